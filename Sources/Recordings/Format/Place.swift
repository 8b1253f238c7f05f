/// Where in its page an access falls, and how many bytes it stores: the word of the places column.
///
/// Bits 11:0 are the offset, bits 15:12 a size code. The codes stand for the sizes stores really have; any other size has code 0
/// and stands in the column's list of exceptions.
@frozen
public struct Place: Hashable, Sendable {
  /// The offset of the first byte, 0...4095.
  public let offset: Int
  /// Bytes, 1...64; the access ends in its page.
  public let size: Int

  /// An access of `size` bytes at `offset`.
  @inlinable public init(offset: Int, size: Int) {
    self.offset = offset
    self.size = size
  }

  /// The most bytes of one store.
  public static let maximumSize = 64

  /// The size of each code; 0 where the exceptions list says.
  @usableFromInline
  static func size(ofCode code: UInt16) -> Int {
    switch code {
    case 0: 0
    case 1...8: Int(code)
    case 9: 10
    case 10: 12
    case 11: 16
    case 12: 24
    case 13: 32
    case 14: 48
    default: 64
    }
  }

  /// The code of a size, already in place; 0 for a size that must be listed.
  static func code(ofSize size: Int) -> UInt16 {
    switch size {
    case 1...8: UInt16(truncatingIfNeeded: size) << 12
    case 10: 9 << 12
    case 12: 10 << 12
    case 16: 11 << 12
    case 24: 12 << 12
    case 32: 13 << 12
    case 48: 14 << 12
    case 64: 15 << 12
    default: 0
    }
  }
}
