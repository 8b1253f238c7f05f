/// A node's page as a reader sees it: loads of bounded position, each value loaded once and none of them trusted.
@frozen @usableFromInline
struct NodeView {
  @usableFromInline let page: UnsafeRawPointer

  @inlinable @inline(__always)
  init(_ page: UnsafeRawPointer) { self.page = page }

  /// The position of the last key that is not above `sought`, -1 ... 255; two cache lines are read.
  @inlinable @inline(__always)
  func position(of sought: UInt32) -> Int {
    let probe = SIMD16<Int32>(repeating: Int32(bitPattern: sought))
    let router = page.load(as: SIMD16<Int32>.self)
    let block = (Self.countNotAbove(router, probe) &- 1) & 15
    let keys = page.load(fromByteOffset: NodeLayout.keyOffset &+ block &* 64, as: SIMD16<Int32>.self)
    return block &* 16 &+ Self.countNotAbove(keys, probe) &- 1
  }

  /// How many of the sixteen keys are at most the probe.
  @inlinable @inline(__always)
  static func countNotAbove(_ keys: SIMD16<Int32>, _ probe: SIMD16<Int32>) -> Int {
    let minusOnes = unsafeBitCast(keys .<= probe, to: SIMD16<Int32>.self)
    let eight = minusOnes.lowHalf &+ minusOnes.highHalf
    let four = eight.lowHalf &+ eight.highHalf
    let two = four.lowHalf &+ four.highHalf
    return Int(truncatingIfNeeded: 0 &- (two.x &+ two.y))
  }

  /// Key `index` in bits 31:0 and key `index + 1` in bits 63:32; `index` in 0 ..< capacity.
  @inlinable @inline(__always)
  func keys(at index: Int) -> UInt64 {
    page.loadUnaligned(fromByteOffset: NodeLayout.keyOffset &+ index &* 4, as: UInt64.self)
  }

  @inlinable @inline(__always)
  func key(at index: Int) -> UInt32 {
    page.load(fromByteOffset: NodeLayout.keyOffset &+ index &* 4, as: UInt32.self)
  }

  @inlinable @inline(__always)
  func word(at index: Int) -> UInt64 {
    page.load(fromByteOffset: NodeLayout.wordOffset &+ index &* 8, as: UInt64.self)
  }

  @inlinable @inline(__always)
  func check(at index: Int) -> UInt32 {
    page.load(fromByteOffset: NodeLayout.checkOffset &+ index &* 4, as: UInt32.self)
  }

  @inlinable var header: UInt32 { page.load(as: UInt32.self) }
  @inlinable var ownReference: UInt64 {
    page.load(fromByteOffset: NodeLayout.ownReferenceOffset, as: UInt64.self)
  }
}
