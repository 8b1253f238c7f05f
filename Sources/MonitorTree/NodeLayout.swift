/// The layout of a node, version 1: one 4 KiB page of guest memory, little endian, the same at every level.
///
/// | bytes       | what                                                                                   |
/// |-------------|----------------------------------------------------------------------------------------|
/// | 0...3       | header: magic and version (31:16), level (10:8), number of entries (7:0); negative as a signed integer |
/// | 4...63      | router: the first keys of blocks 1 ... 15                                              |
/// | 64...1087   | keys: 16 blocks of 16, ascending; key\[count\] is the end of the node's pages, the rest are end marks |
/// | 1088...3087 | words: 250 of 8 bytes, beside the keys: ``NodeReference`` in an interior node, ``Claim`` in a leaf |
/// | 3088...4087 | checks: 250 of 4 bytes, beside the words                                               |
/// | 4088...4095 | own reference without its actions (bits 63:12), for tools                                |
///
/// A key is a guest page number below 2^31. Entry *i* is a statement about the pages key\[i\] ..< key\[i+1\]: in an
/// interior node, which child describes them; in a leaf, which of them a region claims. Its check code covers both
/// keys, the word, and the page, level and edition of the node as its parent gives them. A reader therefore takes
/// header, router and the other keys as hints that lead to a statement, and believes the statement only: a corrupted
/// node leads to a true statement or to none.
///
/// One router and one block of keys are one cache line each, compared whole with the page sought.
public enum NodeLayout {
  /// The version of the layout.
  public static let version = 1
  /// The most entries a node holds.
  @inlinable public static var capacity: Int { 250 }
  /// The deepest tree: levels 0 ... 7.
  @inlinable public static var maximumLevel: Int { 7 }
  /// The most regions that can claim one page.
  @inlinable public static var maximumOwners: Int { 32 }

  @inlinable static var keyOffset: Int { 64 }
  @inlinable static var wordOffset: Int { 1088 }
  @inlinable static var checkOffset: Int { 3088 }
  @inlinable static var ownReferenceOffset: Int { 4088 }
  @inlinable static var keySlots: Int { 256 }
  @inlinable static var wordsPerPage: Int { 512 }
  /// Greater than any page number: fills unused key slots, and ends the last node of a level.
  @inlinable static var endMark: UInt32 { 0x7fff_ffff }

  // Odd numbers without long runs of equal bits: the fractional parts of the square roots of 2, 3 and 5.
  @inlinable static var seedFactor: UInt64 { 0x6a09_e667_f3bc_c909 }
  @inlinable static var keyFactor: UInt64 { 0xbb67_ae85_84ca_a73b }
  @inlinable static var wordFactor: UInt64 { 0x3c6e_f372_fe94_f82b }

  /// The header word of a node.
  @inlinable
  static func header(level: Int, count: Int) -> UInt32 {
    0xb7e0_0000 | UInt32(version) << 16 | UInt32(level & 7) << 8 | UInt32(count & 0xff)
  }

  /// The check code of an entry: `keys` is the entry's key in bits 31:0 and the next key in bits 63:32.
  ///
  /// A multilinear hash: a change of one bit, in any of the four inputs, always changes the code.
  @inlinable @inline(__always)
  static func check(keys: UInt64, word: UInt64, seed: UInt64) -> UInt32 {
    UInt32(truncatingIfNeeded: (keys &* keyFactor &+ word &* wordFactor &+ seed) >> 32)
  }
}
