import Addresses
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
  /// Pages of the stretch at hand: its number above, page below; a hash table, at most half full. Raw memory, so that the
  /// loop over runs needs no checks of exclusive access.
  private let slots = Storage<UInt64>(repeating: 0, count: mask + 1)
  private static let mask = 2 * limit - 1
  private var stretch: UInt64 = 0

  /// Another block.
  func begin() { known.removeAll(keepingCapacity: true) }

  /// Distinct pages of the runs of a vCPU with these indices.
  func pages(on vcpu: Int, _ start: Int, _ end: Int, of runs: UnsafeBufferPointer<Run>) -> Int {
    let asked = Stretch(vcpu: vcpu, start: start, end: end)
    if let pages = known[asked] { return pages }
    stretch += 1
    let pages = Self.count(on: vcpu, max(start, end - Self.limit, 0), end, of: runs, slots.base, stretch)
    known[asked] = pages
    return pages
  }

  private static func count(
    on vcpu: Int, _ start: Int, _ end: Int, of runs: UnsafeBufferPointer<Run>, _ slots: UnsafeMutablePointer<UInt64>,
    _ stretch: UInt64
  ) -> Int {
    guard let runs = runs.baseAddress else { return 0 }
    let mask = mask
    var pages = 0
    var index = end
    while index > start {
      index &-= 1
      let run = runs[index].rawValue
      guard Int(truncatingIfNeeded: run &>> 48 & 0xff) == vcpu else { continue }
      let word = stretch &<< 32 | run & 0xffff_ffff
      var slot = Int(truncatingIfNeeded: (word & 0xffff_ffff) &* 0x9e37_79b9_7f4a_7c15 &>> 40) & mask
      while slots[slot] != word {
        if slots[slot] &>> 32 != stretch {
          slots[slot] = word
          pages &+= 1
          break
        }
        slot = (slot &+ 1) & mask
      }
    }
    return pages
  }
}
