import Addresses

/// A run of pages in one register, as GI_INIT takes it: guest-physical address of the first page in bits 63:12, number
/// of pages (1...4095) in bits 11:0.
@frozen
public struct PackedRange: RawRepresentable, Hashable, Sendable {
  /// The register's value.
  public let rawValue: UInt64

  /// A packed range from the register's value, any value.
  public init(rawValue: UInt64) { self.rawValue = rawValue }

  /// Packs a run of pages; nil if it is longer than 4095 pages.
  public init?(_ range: PageRange) {
    guard range.count <= 0xfff else { return nil }
    rawValue = range.first.rawValue << 12 | range.count
  }

  /// The run of pages; nil if it is empty or runs past the last page number.
  public var range: PageRange? {
    PageRange(first: GuestPageNumber(rawValue >> 12), count: rawValue & 0xfff)
  }
}
