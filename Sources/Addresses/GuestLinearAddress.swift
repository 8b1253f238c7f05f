/// A guest-linear address: what guest software uses, translated by the guest's own page tables.
@frozen
public struct GuestLinearAddress: RawRepresentable, Hashable, Comparable, Sendable {
  /// The address in bytes.
  public var rawValue: UInt64

  /// An address from its raw value in bytes.
  @inlinable public init(rawValue: UInt64) { self.rawValue = rawValue }
  /// An address from its raw value in bytes.
  @inlinable public init(_ rawValue: UInt64) { self.rawValue = rawValue }

  /// Orders by raw value.
  @inlinable public static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
}
