/// The number of a 4 KiB guest-physical page: a guest-physical address without its low 12 bits (GPN).
@frozen
public struct GuestPageNumber: RawRepresentable, Hashable, Comparable, Sendable {
  /// The page number.
  public var rawValue: UInt64

  /// A page from its number.
  @inlinable public init(rawValue: UInt64) { self.rawValue = rawValue }
  /// A page from its number.
  @inlinable public init(_ rawValue: UInt64) { self.rawValue = rawValue }

  /// The first byte of the page.
  @inlinable public var address: GuestPhysicalAddress { GuestPhysicalAddress(rawValue << 12) }

  /// Orders by page number.
  @inlinable public static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
}
