import Addresses
import Recordings

/// The pages that each set of each vCPU's first-level TLB holds for certain, most recent first: the second step of
/// ``RunFilter``.
///
/// A page accessed less than `ways` other pages of its set ago hits, whatever the set held before. Such a hit changes nothing
/// but the order of the set, which matters when the set is asked for a page that is not known to be there: only then, and at
/// the end, are the runs told that made the order what it is, the oldest first. So a strategy that follows finds every set in
/// the right order whenever it looks at one, and never looks at the others.
struct RecencyStacks: ~Copyable {
  private let ways: Int
  private let setMask: UInt32
  private let setShift: UInt32
  private let slots: Int
  /// A special run may hit, and fill, an entry of its whole region as well.
  private let hasRegions: Bool
  /// By slot (vCPU and set), `ways` entries: the page in bits 31:0, the last run that accessed it, of those told here, in 63:32.
  private let entries: Storage<UInt64>
  /// By slot: how many entries there are, and how many of them, the most recent, nobody was told the order of.
  private let counts: Storage<Counts>

  struct Counts {
    var known: Int32 = 0
    var untold: Int32 = 0
  }

  init(vcpus: Int, sets: UInt32, ways: Int, hasRegions: Bool = false) {
    self.ways = ways
    self.hasRegions = hasRegions
    setMask = sets - 1
    setShift = UInt32(sets.trailingZeroBitCount)
    slots = vcpus << Int(setShift)
    entries = Storage(repeating: 0, count: slots * ways)
    counts = Storage(repeating: Counts(), count: slots)
  }

  func forget() { counts.fill(with: Counts()) }

  /// Whether a run is told whatever is known of its page, and after it nothing is known of its set: a watched page's, since
  /// strategies do different things to it, and the second part of a page-crossing store, which may be skipped by whoever
  /// judges the store whole.
  @inline(__always)
  private static func isSpecial(_ run: UInt64, watched: borrowing PageMarks) -> Bool {
    watched.bytes[Int(truncatingIfNeeded: run & UInt64(watched.mask))] != 0 || run &>> 56 != 0
  }

  /// Replaces indices of runs by those that must be told, in the order to look at them; returns how many.
  @inline(never)
  func strip(
    _ indices: UnsafeMutablePointer<UInt32>, count: Int, of runs: UnsafePointer<Run>, watched: borrowing PageMarks
  ) -> Int {
    let (ways, setMask, setShift, entries, counts) = (ways, setMask, setShift, entries.base, counts.base)
    // Never past what was read: an entry is untold because a run was left out.
    var told = 0
    @inline(__always)
    func tell(_ slot: Int) {
      var entry = Int(counts[slot].untold)
      while entry > 0 {
        entry &-= 1
        indices[told] = UInt32(truncatingIfNeeded: entries[slot &* ways &+ entry] &>> 32)
        told &+= 1
      }
      counts[slot].untold = 0
    }
    var next = 0
    while next < count {
      let index = indices[next]
      next &+= 1
      let run = runs[Int(index)].rawValue
      let isSpecial = Self.isSpecial(run, watched: watched)
      let slot = Self.slot(of: run, setShift, setMask)
      let stack = entries + slot &* ways
      let known = isSpecial ? 0 : Int(counts[slot].known)
      let entry = run & 0xffff_ffff | UInt64(index) &<< 32
      var place = 0
      while place < known, UInt32(truncatingIfNeeded: stack[place]) != UInt32(truncatingIfNeeded: run) { place &+= 1 }
      if place < known {
        if place >= Int(counts[slot].untold) { counts[slot].untold &+= 1 }
      } else {
        // A store's second part must be told right behind the first.
        if next < count, indices[next] == index &+ 1, runs[Int(index &+ 1)].isContinuation {
          let second = runs[Int(index &+ 1)].rawValue
          tell(Self.slot(of: second, setShift, setMask))
          if hasRegions { tell(Self.slot(ofRegion: second, setShift, setMask)) }
        }
        tell(slot)
        if hasRegions, isSpecial {
          let other = Self.slot(ofRegion: run, setShift, setMask)
          tell(other)
          counts[other].known = 0
        }
        indices[told] = index
        told &+= 1
        let depth = isSpecial ? 0 : min(known &+ 1, ways)
        counts[slot].known = Int32(truncatingIfNeeded: depth)
        if isSpecial { continue }
        place = depth &- 1
      }
      while place > 0 {
        stack[place] = stack[place &- 1]
        place &-= 1
      }
      stack[0] = entry
    }
    for slot in 0..<slots where counts[slot].untold > 0 { tell(slot) }
    return told
  }

  @inline(__always)
  private static func slot(of run: UInt64, _ setShift: UInt32, _ setMask: UInt32) -> Int {
    Int(UInt32(truncatingIfNeeded: run &>> 48 & 0xff) &<< setShift | UInt32(truncatingIfNeeded: run) & setMask)
  }

  /// The slot of the whole region that a run's page lies in.
  private static func slot(ofRegion run: UInt64, _ setShift: UInt32, _ setMask: UInt32) -> Int {
    slot(of: run & ~0xffff_ffff | UInt64(LinearKey.whole(UInt32(truncatingIfNeeded: run))), setShift, setMask)
  }

  /// Brings a strategy's sets in order where it stands, at run `end` of a range that began at `start`: `apply` gets, in order,
  /// the runs that were left out since its set was told of. `told` is what the strategy has been told of the range.
  /// Whatever made the strategy lose entries has cached none behind the run that it was told last.
  func settle(
    _ runs: UnsafeBufferPointer<Run>, from start: Int, to end: Int, told: Slice<UnsafeBufferPointer<UInt32>>,
    _ apply: (Run) -> Void
  ) {
    withUnsafeTemporaryAllocation(of: Int.self, capacity: slots) { latest in
      latest.initialize(repeating: -1)
      func slot(of index: Int) -> Int { Self.slot(of: runs[index].rawValue, setShift, setMask) }
      for index in told.lazy.map(Int.init) { latest[slot(of: index)] = max(latest[slot(of: index)], index) }
      for index in start..<end where index > latest[slot(of: index)] { apply(runs[index]) }
    }
  }
}
