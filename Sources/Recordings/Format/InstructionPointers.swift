import Addresses

/// How the addresses of storing instructions lie in their column: a store is mostly followed by the one that followed it last time.
///
/// A table remembers, for each store instruction (by a hash of its address), which one came next. 0 says that the table is right;
/// otherwise the difference to the store before, zigzag and plus 1. All varints.
struct InstructionPointers: ~Copyable {
  private let table = Storage<UInt64>(uninitialized: 1 << bits)
  private static let bits: UInt64 = 16

  /// The table, empty.
  private func followersAtStart() -> UnsafeMutablePointer<UInt64> {
    table.fill(with: 0)
    return table.base
  }

  @inline(__always)
  private func slot(_ address: UInt64) -> Int {
    Int(truncatingIfNeeded: (address &* 0x9e37_79b9_7f4a_7c15) >> (64 - Self.bits))
  }

  func encode(_ addresses: UnsafePointer<UInt64>, count: Int, into writer: inout ByteWriter) {
    let followers = followersAtStart()
    var previous: UInt64 = 0
    for index in 0..<count {
      let address = addresses[index]
      let slot = slot(previous)
      if followers[slot] == address {
        writer.append(UInt8(0))
      } else {
        followers[slot] = address
        let difference = Int64(bitPattern: address &- previous)
        writer.appendVarint(UInt64(bitPattern: difference << 1 ^ difference >> 63) &+ 1)
      }
      previous = address
    }
  }

  /// Fills in the address of every access; false when the column is malformed.
  func decode(_ reader: inout ByteReader, count: Int, into addresses: UnsafeMutablePointer<UInt64>) -> Bool {
    let followers = followersAtStart()
    var previous: UInt64 = 0
    for index in 0..<count {
      guard let code = reader.nextVarint() else { return false }
      let slot = slot(previous)
      if code != 0 {
        let folded = code &- 1
        followers[slot] = previous &+ (folded >> 1 ^ (0 &- (folded & 1)))
      }
      previous = followers[slot]
      addresses[index] = previous
    }
    return reader.isAtEnd
  }
}
