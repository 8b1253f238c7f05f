/// The first up to 16 bytes of a store, little endian; what lies beyond the store's size is 0.
@frozen
public struct StoredValue: Hashable, Sendable {
  /// Bytes 0...7.
  public var low: UInt64
  /// Bytes 8...15.
  public var high: UInt64

  /// A value from its halves.
  @inlinable
  public init(low: UInt64, high: UInt64 = 0) {
    self.low = low
    self.high = high
  }

  /// The first bytes, the others 0.
  @inlinable
  public func prefix(_ count: Int) -> Self {
    func mask(_ bytes: Int) -> UInt64 { bytes >= 8 ? .max : bytes <= 0 ? 0 : 1 << UInt64(bytes * 8) - 1 }
    return Self(low: low & mask(count), high: high & mask(count - 8))
  }

  /// The bytes of both values, those of `other` moved up by so many bytes; from the sixteenth on they are lost.
  package func union(_ other: Self, shiftedBy bytes: Int) -> Self {
    let bits = UInt64(bytes * 8)
    guard bits > 0 else { return Self(low: low | other.low, high: high | other.high) }
    guard bits < 64 else { return Self(low: low, high: high | other.low << (bits - 64)) }
    return Self(low: low | other.low << bits, high: high | other.high << bits | other.low >> (64 - bits))
  }
}
