/// A guest-physical address: what a guest believes is physical, and what EPT translates (SDM vol. 3C, "EPT Translation Mechanism").
@frozen
public struct GuestPhysicalAddress: RawRepresentable, Hashable, Comparable, Sendable {
  /// The address in bytes.
  public var rawValue: UInt64

  /// An address from its raw value in bytes.
  @inlinable public init(rawValue: UInt64) { self.rawValue = rawValue }
  /// An address from its raw value in bytes.
  @inlinable public init(_ rawValue: UInt64) { self.rawValue = rawValue }

  /// The 4 KiB page that holds this byte.
  @inlinable public var page: GuestPageNumber { GuestPageNumber(rawValue >> 12) }
  /// The offset within the 4 KiB page, 0...4095 bytes.
  @inlinable public var pageOffset: UInt64 { rawValue & 0xfff }

  /// Orders by raw value.
  @inlinable public static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
}
