/// How many of a node's keys are above a page: sixteen keys, one cache line, are compared at once.
@frozen @usableFromInline
struct KeyProbe {
  @usableFromInline let page: SIMD16<Int32>

  @inlinable @inline(__always)
  init(_ page: UInt32) { self.page = SIMD16(repeating: Int32(bitPattern: page)) }

  /// Minus one in each lane whose key is above the page.
  @inlinable @inline(__always)
  func above(_ keys: UnsafeRawPointer) -> SIMD16<Int32> {
    unsafeBitCast(keys.load(as: SIMD16<Int32>.self) .> page, to: SIMD16<Int32>.self)
  }

  /// The position of the last of 16 keys that is not above the page, -1 ... 15.
  @inlinable @inline(__always)
  func last(in keys: UnsafeRawPointer) -> Int { 15 &+ Self.sum(above(keys)) }

  /// The position of the last of 48 keys that is not above the page, -1 ... 47.
  @inlinable @inline(__always)
  func lastOf48(in keys: UnsafeRawPointer) -> Int {
    47 &+ Self.sum(above(keys) &+ above(keys + 64) &+ above(keys + 128))
  }

  @inlinable @inline(__always)
  static func sum(_ sixteen: SIMD16<Int32>) -> Int {
    let eight = sixteen.lowHalf &+ sixteen.highHalf
    let four = eight.lowHalf &+ eight.highHalf
    let two = four.lowHalf &+ four.highHalf
    return Int(two.x &+ two.y)
  }
}

/// An interior node as a reader sees it: loads at bounded places, none of them trusted.
@frozen @usableFromInline
struct InteriorView {
  @usableFromInline let page: UnsafeRawPointer

  @inlinable @inline(__always)
  init(_ page: UnsafeRawPointer) { self.page = page }

  /// The position of the child that describes the page; -1 only if the node is corrupt.
  @inlinable @inline(__always)
  func position(of probe: KeyProbe) -> Int { probe.lastOf48(in: page) }

  /// The reference at a position in -1 ... 47.
  @inlinable @inline(__always)
  func reference(at position: Int) -> NodeReference {
    NodeReference(
      rawValue: page.load(fromByteOffset: NodeLayout.Interior.words &+ position &* 8, as: UInt64.self))
  }

  /// Which block of the leaf at a position in -1 ... 47 describes the page, as far as the first keys of blocks tell.
  @inlinable @inline(__always)
  func block(at position: Int, of probe: KeyProbe) -> Int {
    probe.last(in: page + (NodeLayout.Interior.blockKeys &+ position &* 64)) & 15
  }

  /// The entry at a position in 0 ... 47.
  @usableFromInline
  func statement(at position: Int) -> Statement {
    Statement(
      keys: page.loadUnaligned(fromByteOffset: position * 4, as: UInt64.self),
      word: reference(at: position).rawValue,
      check: page.load(fromByteOffset: NodeLayout.Interior.checks + position * 4, as: UInt32.self))
  }
}

/// A block of a leaf as a reader sees it.
@frozen @usableFromInline
struct BlockView {
  @usableFromInline let start: UnsafeRawPointer

  /// Block `index`, 0 ... 15, of the leaf on `page`.
  @inlinable @inline(__always)
  init(_ index: Int, of page: UnsafeRawPointer) { start = page + index &* NodeLayout.Block.bytes }

  /// The position of the entry that describes the page, 0 ... 15; an entry only if below 15.
  @inlinable @inline(__always)
  func position(of probe: KeyProbe) -> Int { probe.last(in: start) & 15 }

  /// The entry at a position in 0 ... 15; at 15 there is none, and what is loaded is no statement.
  @inlinable @inline(__always)
  func statement(at position: Int) -> Statement {
    Statement(
      keys: start.loadUnaligned(fromByteOffset: position &* 4, as: UInt64.self),
      word: start.load(fromByteOffset: NodeLayout.Block.words &+ position &* 8, as: UInt64.self),
      check: start.load(fromByteOffset: NodeLayout.Block.checks &+ position &* 4, as: UInt32.self))
  }
}
