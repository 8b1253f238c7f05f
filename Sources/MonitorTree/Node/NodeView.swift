/// How many of a node's keys are above a page: sixteen keys, one cache line, are compared at once.
struct KeyProbe {
  let page: SIMD16<Int32>

  init(_ page: UInt32) { self.page = SIMD16(repeating: Int32(bitPattern: page)) }

  /// Minus one in each lane whose key is above the page.
  func above(_ keys: UnsafeRawPointer) -> SIMD16<Int32> {
    unsafeBitCast(keys.load(as: SIMD16<Int32>.self) .> page, to: SIMD16<Int32>.self)
  }

  /// How many of 16 keys are above the page, as a negative number.
  func minusAboveOf16(in keys: UnsafeRawPointer) -> Int { Self.sum(above(keys)) }

  /// How many of 48 keys are above the page, as a negative number.
  func minusAboveOf48(in keys: UnsafeRawPointer) -> Int {
    Self.sum(above(keys) &+ above(keys + 64) &+ above(keys + 128))
  }

  static func sum(_ sixteen: SIMD16<Int32>) -> Int {
    let eight = sixteen.lowHalf &+ sixteen.highHalf
    let four = eight.lowHalf &+ eight.highHalf
    let two = four.lowHalf &+ four.highHalf
    return Int(two.x &+ two.y)
  }
}

/// An interior node as a reader sees it: loads at bounded places, none of them trusted.
struct InteriorView {
  let page: UnsafeRawPointer

  init(_ page: UnsafeRawPointer) { self.page = page }

  /// The position of the entry that describes the page, 0 ... 47; -1 only if the node is corrupt.
  func position(of probe: KeyProbe) -> Int { 47 &+ probe.minusAboveOf48(in: page + NodeLayout.Interior.keys) }

  /// Which block of the leaf at a position in -1 ... 47 describes the page, as far as the first keys of blocks tell.
  func block(at position: Int, of probe: KeyProbe) -> Int {
    (16 &+ probe.minusAboveOf16(in: page + (NodeLayout.Interior.blockKeys &+ position &* 64))) & 15
  }

  /// The entry at a position in 0 ... 47; at -1 there is none, and what is loaded is no statement.
  func statement(at position: Int) -> Statement {
    Statement(
      keys: page.loadUnaligned(fromByteOffset: NodeLayout.Interior.keys &+ position &* 4, as: UInt64.self),
      word: page.load(fromByteOffset: NodeLayout.Interior.words &+ position &* 8, as: UInt64.self),
      check: page.load(fromByteOffset: NodeLayout.Interior.checks &+ position &* 4, as: UInt32.self))
  }
}

/// A block of a leaf as a reader sees it.
struct BlockView {
  let start: UnsafeRawPointer

  /// Block `index`, 0 ... 15, of the leaf on `page`.
  init(_ index: Int, of page: UnsafeRawPointer) { start = page + index &* NodeLayout.Block.bytes }

  /// The position of the entry that describes the page, 0 ... 14; -1 or 15 only if a node is corrupt.
  func position(of probe: KeyProbe) -> Int { 15 &+ probe.minusAboveOf16(in: start + NodeLayout.Block.keys) }

  /// The entry at a position in 0 ... 14; at -1 and 15 there is none, and what is loaded is no statement.
  func statement(at position: Int) -> Statement {
    Statement(
      keys: start.loadUnaligned(fromByteOffset: NodeLayout.Block.keys &+ position &* 4, as: UInt64.self),
      word: start.load(fromByteOffset: NodeLayout.Block.words &+ position &* 8, as: UInt64.self),
      check: start.load(fromByteOffset: NodeLayout.Block.checks &+ position &* 4, as: UInt32.self))
  }
}
