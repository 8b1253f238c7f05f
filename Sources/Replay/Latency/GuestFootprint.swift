import Recordings

/// How many distinct pages a vCPU stored to between two places of a block: a lower bound of what its guest touched.
///
/// Runs are looked at only where a strategy asks, newest first and no more than ``limit``: what many strategies ask is found
/// once.
final class GuestFootprint {
  /// Most runs that are looked at: more pages than these lie in no second-level cache.
  static let limit = 1 << 15

  private struct Stretch: Hashable {
    var vcpu: Int
    var start: Int
    var end: Int
  }

  private var known: [Stretch: Int] = [:]
  /// Pages of the stretch at hand: its number above, page below; a hash table, at most half full.
  private var slots = [UInt64](repeating: 0, count: 2 * limit)
  private var stretch: UInt64 = 0

  /// Another block.
  func begin() { known.removeAll(keepingCapacity: true) }

  /// Distinct pages of the runs of a vCPU with these indices.
  func pages(on vcpu: Int, _ start: Int, _ end: Int, of runs: UnsafeBufferPointer<Run>) -> Int {
    let asked = Stretch(vcpu: vcpu, start: start, end: end)
    if let pages = known[asked] { return pages }
    stretch += 1
    var pages = 0
    for index in stride(from: end - 1, through: max(start, end - Self.limit, 0), by: -1)
    where runs[index].vcpu == vcpu && insert(runs[index].page.rawValue) { pages += 1 }
    known[asked] = pages
    return pages
  }

  private func insert(_ page: UInt64) -> Bool {
    let word = stretch << 32 | page & 0xffff_ffff
    let mask = slots.count - 1
    var slot = Int(truncatingIfNeeded: (page &* 0x9e37_79b9_7f4a_7c15) >> 40) & mask
    while slots[slot] >> 32 == stretch {
      if slots[slot] == word { return false }
      slot = (slot + 1) & mask
    }
    slots[slot] = word
    return true
  }
}
