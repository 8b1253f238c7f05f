import CNodeSearch

/// The layout of a node, version 1: one 4 KiB page of guest memory, little endian.
///
/// A **leaf** (level 0) is 16 blocks of 256 bytes, filled one after another:
///
/// | bytes of a block | what                                                                                    |
/// |------------------|-----------------------------------------------------------------------------------------|
/// | 0...7            | in block 0 the node's own reference without its actions, for tools; else 0              |
/// | 8...127          | words: a ``Claim`` for each of up to 15 entries                                         |
/// | 128...191        | keys: those of the entries, ascending; then the key that comes next; then end marks     |
/// | 192...251        | checks: 4 bytes for each entry                                                          |
/// | 252...255        | header: magic (31:20), version (19:16), level (11:8), number of entries (7:0)             |
///
/// An **interior** node (level 1 and up) leads to as many as 48 nodes of the level below:
///
/// | bytes       | what                                                                                         |
/// |-------------|----------------------------------------------------------------------------------------------|
/// | 0...3       | header, as in a block                                                                        |
/// | 8...15      | the node's own reference without its actions, for tools                                      |
/// | 64...259    | keys: the first page each child describes, ascending; then the end of the node; then end marks |
/// | 320...3391  | at level 1, a cache line for each child: the first keys of its blocks 1 ... 15, end marks for empty ones, and an end mark; else 0 |
/// | 3392...3775 | words: a ``NodeReference`` for each child                                                    |
/// | 3776...3967 | checks: 4 bytes for each child                                                               |
///
/// A key is a guest page number below 2^31 - 1, which is the end mark. Entry *i* is a statement about the pages
/// key\[i\] ..< key\[i+1\]: in an interior node, which child describes them; in a leaf, which of them a region claims.
/// Its check code covers both keys, the word, and level, edition and the low bits of the page of the node as its parent
/// gives them; an edition alone tells apart the nodes of a long time. A reader takes everything else as a hint that leads to a statement, and believes the statement only: a corrupted node leads to
/// a true statement or to none. There are at least two levels, so every leaf has a parent that knows its blocks.
///
/// A look-up (`CNodeSearch`) compares three lines in an interior node (one more at level 1) and one line in a leaf, whose
/// words and checks lie around it. Compared keys give positions from -1, and each of these is inside the page, so that no look-up needs to
/// test one. Several claims on the same pages are entries with the same key, in one block.
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

  static var wordsPerPage: Int { 512 }
  /// Greater than any page number: fills unused key slots, and ends the last node of a level.
  static var endMark: UInt32 { 0x7fff_ffff }

  /// Offsets in a leaf's block.
  enum Block {
    static var bytes: Int { node_block_bytes }
    static var ownReference: Int { 0 }
    static var words: Int { node_block_words }
    static var keys: Int { node_block_keys }
    static var checks: Int { node_block_checks }
    static var header: Int { 252 }
  }

  /// Offsets in an interior node.
  enum Interior {
    static var header: Int { 0 }
    static var ownReference: Int { 8 }
    static var keys: Int { node_interior_keys }
    static var blockKeys: Int { node_interior_block_keys }
    static var words: Int { node_interior_words }
    static var checks: Int { node_interior_checks }
  }

  /// The header word of a block or of an interior node.
  static func header(level: Int, count: Int) -> UInt32 {
    0xb7e0_0000 | UInt32(version) << 16 | UInt32(level & 7) << 8 | UInt32(count & 0xff)
  }

  /// The check code of an entry: `keys` is the entry's key in bits 31:0 and the next key in bits 63:32.
  ///
  /// CRC-32C: a change of one to five bits of keys, word and the seed's low half, or within 32 bits in a row, changes it.
  static func check(keys: UInt64, word: UInt64, seed: UInt64) -> UInt32 { node_check(keys, word, seed) }
}
