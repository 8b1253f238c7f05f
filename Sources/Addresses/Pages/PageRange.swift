/// A run of guest pages: first page and how many, never empty and never past the last page number.
@frozen
public struct PageRange: Hashable, Sendable {
  /// The first page of the run.
  public let first: GuestPageNumber
  /// How many pages, at least 1.
  public let count: UInt64

  /// A run of `count` pages from `first`; nil when it is empty or runs past page 2^52 - 1.
  @inlinable public init?(first: GuestPageNumber, count: UInt64) {
    guard count > 0, count <= 1 << 52, first.rawValue <= (1 << 52) - count else { return nil }
    self.first = first
    self.count = count
  }

  /// The run of this one page.
  @inlinable public init(page: GuestPageNumber) {
    self.first = page
    self.count = 1
  }

  /// The last page of the run.
  @inlinable public var last: GuestPageNumber { GuestPageNumber(first.rawValue + count - 1) }

  /// The numbers of its pages.
  @inlinable package var numbers: ClosedRange<UInt64> { first.rawValue...last.rawValue }

  /// The run of pages with these numbers.
  package init?(_ numbers: ClosedRange<UInt64>) {
    self.init(first: GuestPageNumber(numbers.lowerBound), count: numbers.upperBound - numbers.lowerBound + 1)
  }

  /// Whether the page belongs to the run.
  @inlinable public func contains(_ page: GuestPageNumber) -> Bool { page.rawValue &- first.rawValue < count }

  /// Whether the two runs share a page.
  @inlinable public func overlaps(_ other: PageRange) -> Bool { first <= other.last && other.first <= last }
}
