/// A host-physical address: where EPT translation ends, and where the EPT structures themselves lie.
@frozen
public struct HostPhysicalAddress: RawRepresentable, Hashable, Comparable, Sendable {
  /// The address in bytes.
  public var rawValue: UInt64

  /// An address from its raw value in bytes.
  @inlinable public init(rawValue: UInt64) { self.rawValue = rawValue }
  /// An address from its raw value in bytes.
  @inlinable public init(_ rawValue: UInt64) { self.rawValue = rawValue }

  /// Orders by raw value.
  @inlinable public static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
}
