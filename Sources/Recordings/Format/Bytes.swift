/// Appends little-endian fields to a byte array.
struct ByteWriter {
  private(set) var bytes: [UInt8] = []

  mutating func append<T: FixedWidthInteger>(_ value: T) {
    withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
  }

  /// Seven bits a byte, least significant first, the top bit set on all but the last.
  mutating func appendVarint(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(truncatingIfNeeded: rest))
  }

  /// A signed difference, folded so that small magnitudes of either sign are short.
  mutating func appendZigzag(_ value: UInt64) {
    let signed = Int64(bitPattern: value)
    appendVarint(UInt64(bitPattern: signed << 1 ^ signed >> 63))
  }

  mutating func append(contentsOf other: UnsafeRawBufferPointer) { bytes.append(contentsOf: other) }

  mutating func removeAll() { bytes.removeAll(keepingCapacity: true) }
}

/// Takes little-endian fields from the front of a buffer; past its end every field is nil, never a trap.
struct ByteReader {
  let base: UnsafeRawBufferPointer
  private(set) var offset: Int

  init(_ base: UnsafeRawBufferPointer, from offset: Int = 0) {
    self.base = base
    self.offset = min(max(offset, 0), base.count)
  }

  var isAtEnd: Bool { offset == base.count }
  var remaining: Int { base.count - offset }

  mutating func next<T: FixedWidthInteger>(_ type: T.Type) -> T? {
    guard remaining >= MemoryLayout<T>.size else { return nil }
    defer { offset += MemoryLayout<T>.size }
    return T(littleEndian: base.loadUnaligned(fromByteOffset: offset, as: T.self))
  }

  mutating func nextVarint() -> UInt64? {
    var value: UInt64 = 0
    var shift: UInt64 = 0
    while offset < base.count {
      let byte = base[offset]
      offset += 1
      if shift == 63, byte > 1 { return nil }
      value |= UInt64(byte & 0x7f) << shift
      if byte < 0x80 { return value }
      shift += 7
      if shift > 63 { return nil }
    }
    return nil
  }

  mutating func nextZigzag() -> UInt64? {
    nextVarint().map { $0 >> 1 ^ (0 &- ($0 & 1)) }
  }

  mutating func skip(_ count: Int) -> UnsafeRawBufferPointer? {
    guard count >= 0, remaining >= count else { return nil }
    defer { offset += count }
    return UnsafeRawBufferPointer(rebasing: base[offset..<offset + count])
  }
}

extension [UInt8] {
  /// `withUnsafeBytes` for a body that throws an error of known type.
  func withBytes<Result, Failure: Error>(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try withUnsafeBufferPointer { bytes throws(Failure) in try body(UnsafeRawBufferPointer(bytes)) }
  }
}
