import Addresses
import Glibc
import Recordings

/// Finds the runs that can change a translation cache: the one pass over all runs, shared by every strategy.
///
/// A run whose page was the last that its vCPU touched in the same set of the first-level TLB hits that set's most recent
/// entry, and a hit of the most recent entry changes nothing: under least-recently-used replacement, stripping such runs
/// from a trace leaves every miss of every cache with these sets where it was (T. R. Puzak, "Analysis of Cache Replacement
/// Algorithms", 1985). Of what is left, ``RecencyStacks`` strips what hits a set further back. What strategies do differently
/// they do to watched pages and at hypercalls: runs on watched pages are never stripped, and ``forget()`` is called at every
/// hypercall and whenever caches have lost entries.
struct RunFilter {
  private let setMask: UInt32
  private let setShift: UInt32
  /// The page last touched, by vCPU and set of the first-level TLB.
  private let latest: UnsafeMutablePointer<UInt32>
  private let slots: Int
  private let watched: PageSet
  private var found: UnsafeMutablePointer<UInt32>
  private var capacity = 0
  let stacks: RecencyStacks

  init(vcpus: Int, geometry: CacheGeometry, pages: UInt64) {
    let sets = UInt32(geometry.l1StoreTLB.entries / max(1, geometry.l1StoreTLB.ways))
    setMask = sets - 1
    setShift = UInt32(sets.trailingZeroBitCount)
    slots = vcpus << Int(setShift)
    latest = .allocate(capacity: slots)
    watched = PageSet(capacity: pages)
    found = .allocate(capacity: 1)
    stacks = RecencyStacks(vcpus: vcpus, sets: sets, ways: max(1, geometry.l1StoreTLB.ways))
    forget()
  }

  func deallocate() {
    latest.deallocate()
    found.deallocate()
    stacks.deallocate()
  }

  /// Says that caches may have lost entries, or table sets changed: the next run of each set is found again.
  func forget() {
    latest.update(repeating: SetAssociativeCache.empty, count: slots)
    stacks.forget()
  }

  /// Has every run on these pages found from now on.
  func watch(_ range: PageRange) { watched.insert(range) }

  /// Has every run with this key found from now on.
  func watch(_ key: UInt32) { watched.insert(PageRange(page: GuestPageNumber(UInt64(key)))) }

  /// The indices of the runs in `start ..< end` that strategies must look at, in this order; valid until the next call.
  ///
  /// An index may come more than once, and later than others: a run is looked at again to bring its page to the front.
  mutating func touches(in runs: UnsafeBufferPointer<Run>, from start: Int, to end: Int) -> UnsafeBufferPointer<UInt32>
  {
    guard let base = runs.baseAddress, start < end else { return UnsafeBufferPointer(start: nil, count: 0) }
    if end - start > capacity {
      found.deallocate()
      capacity = end - start
      found = .allocate(capacity: capacity)
    }
    let count = scan(base, from: start, to: end)
    return UnsafeBufferPointer(start: found, count: stacks.strip(found, count: count, of: base))
  }

  /// Finds the runs that hit no most recent entry, with those on watched pages marked as special.
  ///
  /// Free of branches but for the loop's own: which run is found is as good as random.
  @inline(never)
  private func scan(_ runs: UnsafePointer<Run>, from start: Int, to end: Int) -> Int {
    let (setMask, setShift, latest, watched, found) = (setMask, setShift, latest, watched.bits, found)
    var count = 0
    var next = start
    while next < end {
      let word = runs[next].rawValue
      let page = UInt32(truncatingIfNeeded: word)
      let vcpu = UInt32(truncatingIfNeeded: word &>> 48) & 0xff
      let slot = latest + Int(vcpu &<< setShift | page & setMask)
      // The second part of a page-crossing store may be skipped by whoever judges the store whole.
      let isContinuation = UInt32(truncatingIfNeeded: word &>> 56) & 1
      let isSpecial = UInt32(truncatingIfNeeded: watched[UInt64(page)]) | isContinuation
      found[count] = UInt32(truncatingIfNeeded: next) | isSpecial &<< 31
      count &+= slot.pointee != page || isSpecial != 0 ? 1 : 0
      slot.pointee = page | (0 &- isSpecial)
      next &+= 1
    }
    return count
  }
}
