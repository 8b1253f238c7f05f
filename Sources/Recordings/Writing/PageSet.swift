/// A set of page numbers below 2^32, a bit each, in pieces that exist only where a page is.
struct PageSet {
  private var pieces: [[UInt64]] = []
  /// How many pages are in the set.
  private(set) var count: UInt64 = 0

  /// Adds a page; whether it was absent.
  @discardableResult
  mutating func insert(_ page: UInt64) -> Bool {
    let piece = Int(truncatingIfNeeded: page >> 16)
    while pieces.count <= piece { pieces.append([]) }
    if pieces[piece].isEmpty { pieces[piece] = [UInt64](repeating: 0, count: 1 << 10) }
    let word = Int(truncatingIfNeeded: page >> 6 & 0x3ff)
    let bit: UInt64 = 1 << (page & 63)
    if pieces[piece][word] & bit != 0 { return false }
    pieces[piece][word] |= bit
    count += 1
    return true
  }

  /// Empties the set.
  mutating func removeAll() {
    pieces.removeAll(keepingCapacity: true)
    count = 0
  }
}
