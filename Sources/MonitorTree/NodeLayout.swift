/// The layout of a node, version 1: one 4 KiB page of guest memory, little endian.
///
/// A **leaf** (level 0) is 16 blocks of 256 bytes, filled one after another:
///
/// | bytes of a block | what                                                                                  |
/// |------------------|---------------------------------------------------------------------------------------|
/// | 0...63           | keys: those of up to 15 entries, ascending; then the key that comes next; then end marks |
/// | 64...183         | words: a ``Claim`` for each entry                                                     |
/// | 184...191        | in block 0 the node's own reference (bits 63:12), for tools; else 0                   |
/// | 192...251        | checks: 4 bytes for each entry                                                        |
/// | 252...255        | header: magic and version (31:16), level (11:8), number of entries (7:0)                |
///
/// An **interior** node (level 1 and up) leads to as many as 48 nodes of the level below:
///
/// | bytes       | what                                                                                       |
/// |-------------|--------------------------------------------------------------------------------------------|
/// | 0...191     | keys: the first page each child describes, ascending; then the end of the node; then end marks |
/// | 192...195   | the end of the node if there are 48 children, else an end mark                             |
/// | 196...199   | header, as in a block                                                                      |
/// | 200...207   | the node's own reference (bits 63:12), for tools                                           |
/// | 256...3327  | at level 1, a cache line for each child: the first keys of its 16 blocks; else 0           |
/// | 3328...3711 | words: a ``NodeReference`` for each child                                                  |
/// | 3712...3903 | checks: 4 bytes for each child                                                             |
///
/// A key is a guest page number below 2^31 - 1, which is the end mark. Entry *i* is a statement about the pages
/// key\[i\] ..< key\[i+1\]: in an interior node, which child describes them; in a leaf, which of them a region claims.
/// Its check code covers both keys, the word, and page, level and edition of the node as its parent gives them. A reader
/// takes everything else as a hint that leads to a statement, and believes the statement only: a corrupted node leads to
/// a true statement or to none. There are at least two levels, so every leaf has a parent that knows its blocks.
///
/// A look-up compares three lines in an interior node (one more at level 1) and one line in a leaf; word and check lie in
/// the same block. Several claims on the same pages are entries with the same key, in one block.
public enum NodeLayout {
  /// The version of the layout.
  public static let version = 1
  /// The most entries a leaf's block holds, and so the most regions that can claim one page.
  @inlinable public static var entriesPerBlock: Int { 15 }
  /// The blocks of a leaf.
  @inlinable public static var blocksPerLeaf: Int { 16 }
  /// The most children an interior node has.
  @inlinable public static var children: Int { 48 }
  /// The deepest tree: levels 0 ... 7.
  @inlinable public static var maximumLevel: Int { 7 }

  @inlinable static var wordsPerPage: Int { 512 }
  /// Greater than any page number: fills unused key slots, and ends the last node of a level.
  @inlinable static var endMark: UInt32 { 0x7fff_ffff }

  /// Offsets in a leaf's block.
  @usableFromInline
  enum Block {
    @inlinable static var bytes: Int { 256 }
    @inlinable static var words: Int { 64 }
    @inlinable static var ownReference: Int { 184 }
    @inlinable static var checks: Int { 192 }
    @inlinable static var header: Int { 252 }
  }

  /// Offsets in an interior node.
  @usableFromInline
  enum Interior {
    @inlinable static var header: Int { 196 }
    @inlinable static var ownReference: Int { 200 }
    @inlinable static var blockKeys: Int { 256 }
    @inlinable static var words: Int { 3328 }
    @inlinable static var checks: Int { 3712 }
  }

  // Odd numbers without long runs of equal bits: fractional parts of square roots.
  @inlinable static var seedFactor: UInt64 { 0x6a09_e667_f3bc_c909 }
  @inlinable static var keyFactor: UInt64 { 0xbb67_ae85_84ca_a73b }
  @inlinable static var wordFactor: UInt64 { 0x3c6e_f372_fe94_f82b }

  /// The header word of a block or of an interior node.
  static func header(level: Int, count: Int) -> UInt32 {
    0xb7e0_0000 | UInt32(version) << 16 | UInt32(level & 7) << 8 | UInt32(count & 0xff)
  }

  /// The check code of an entry: `keys` is the entry's key in bits 31:0 and the next key in bits 63:32.
  ///
  /// A multilinear hash: a change of any one bit, of keys, word or seed, changes the code.
  @inlinable @inline(__always)
  static func check(keys: UInt64, word: UInt64, seed: UInt64) -> UInt32 {
    UInt32(truncatingIfNeeded: (keys &* keyFactor &+ word &* wordFactor &+ seed) >> 32)
  }
}
