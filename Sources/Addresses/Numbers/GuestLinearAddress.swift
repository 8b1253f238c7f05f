/// A guest-linear address: what guest software uses, translated by the guest's own page tables.
@frozen
public struct GuestLinearAddress: RawRepresentable, Hashable, Comparable, Sendable {
  /// The address in bytes.
  public var rawValue: UInt64

  /// An address from its raw value in bytes.
  @inlinable public init(rawValue: UInt64) { self.rawValue = rawValue }
  /// An address from its raw value in bytes.
  @inlinable public init(_ rawValue: UInt64) { self.rawValue = rawValue }

  /// Whether bits 63 to `width` - 1 are all equal (SDM vol. 1, "Canonical Addressing"): `width` is 48 under 4-level
  /// paging, 57 under 5-level paging.
  @inlinable @inline(__always)
  public func isCanonical(width: UInt64) -> Bool {
    let above = 64 &- width
    return UInt64(bitPattern: Int64(bitPattern: rawValue &<< above) &>> Int64(bitPattern: above)) == rawValue
  }

  /// Orders by raw value.
  @inlinable public static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
}
