import Addresses
import Recordings

/// Finds the runs that can change a translation cache: the one pass over all runs, shared by every strategy.
///
/// A run whose page was the last that its vCPU touched in the same set of the first-level TLB hits that set's most recent
/// entry, and a hit of the most recent entry changes nothing: under least-recently-used replacement, stripping such runs
/// from a trace leaves every miss of every cache with these sets where it was (T. R. Puzak, "Analysis of Cache Replacement
/// Algorithms", 1985). Of what is left, ``RecencyStacks`` strips what hits a set further back. What strategies do differently
/// they do to watched pages and at hypercalls: runs on watched pages are never stripped, and ``forget()`` is called at every
/// hypercall and whenever caches have lost entries.
struct RunFilter: ~Copyable {
  private let setMask: UInt32
  private let setShift: UInt32
  /// The page last touched, by vCPU and set of the first-level TLB.
  private let latest: Storage<UInt32>
  private let watched: PageMarks
  /// Runs on watched keys may hit, and fill, an entry of the whole region as well, in a set of its own.
  private let hasRegions: Bool
  private var found = Storage<UInt32>(repeating: 0, count: 1)
  let stacks: RecencyStacks
  /// Most pages that are told apart, 16 GiB of them: of two that are not, the one is watched with the other.
  private static let mostPages: UInt64 = 1 << 22

  /// With loads and fetches it goes by the fewest sets and ways of all first-level TLBs: what hits there hits in more, too.
  init(
    vcpus: Int, geometry: CacheGeometry, pages: UInt64, hasRegions: Bool = false, hasAccesses: Bool = false
  ) {
    self.hasRegions = hasRegions
    let kinds = hasAccesses ? RecordedAccessKind.allCases.count : 1
    let tlbs = [geometry.l1StoreTLB, geometry.loadTLB, geometry.instructionTLB].prefix(kinds)
    let sets = tlbs.map { UInt32($0.entries / max(1, $0.ways)) }.min() ?? 1
    let ways = tlbs.map { max(1, $0.ways) }.min() ?? 1
    setMask = sets - 1
    setShift = UInt32(sets.trailingZeroBitCount)
    latest = Storage(repeating: SetAssociativeCache.empty, count: kinds * vcpus << Int(setShift))
    watched = PageMarks(pages: pages, most: Self.mostPages)
    stacks = RecencyStacks(vcpus: kinds * vcpus, sets: sets, ways: ways, hasRegions: hasRegions)
  }

  /// Says that caches may have lost entries, or table sets changed: the next run of each set is found again.
  func forget() {
    latest.fill(with: SetAssociativeCache.empty)
    stacks.forget()
  }

  /// Has every run on these pages found from now on.
  func watch(_ range: PageRange) { watched.insert(range) }

  /// Has every run with this key found from now on.
  func watch(_ key: UInt32) { watch(PageRange(page: GuestPageNumber(UInt64(key)))) }

  /// The indices of the runs in `start ..< end` that strategies must look at, in this order; valid until the next call.
  ///
  /// An index may come more than once, and later than others: a run is looked at again to bring its page to the front.
  mutating func touches(in runs: UnsafeBufferPointer<Run>, from start: Int, to end: Int) -> UnsafeBufferPointer<UInt32>
  {
    guard let base = runs.baseAddress, start < end else { return UnsafeBufferPointer(start: nil, count: 0) }
    if end - start > found.count { found = Storage(repeating: 0, count: end - start) }
    let count = hasRegions ? scanWithRegions(base, from: start, to: end) : scanPages(base, from: start, to: end)
    return UnsafeBufferPointer(
      start: found.base, count: stacks.strip(found.base, count: count, of: base, watched: watched))
  }

  /// Finds the runs that hit no most recent entry, and those that are special: see ``RecencyStacks/isSpecial(_:watched:)``.
  ///
  /// Free of branches but for the loop's own: which run is found is as good as random.
  @inline(__always)
  private func scan(_ runs: UnsafePointer<Run>, from start: Int, to end: Int, hasRegions: Bool) -> Int {
    let (latest, found, watched, watchedMask) = (latest.base, found.base, watched.bytes, UInt64(watched.mask))
    let (setMask, vcpuMask, vcpuShift) = (UInt64(setMask), UInt64(0xff) &<< setShift, UInt64(48 - setShift))
    var count = 0
    var next = start
    while next < end {
      let word = runs[next].rawValue
      let page = UInt32(truncatingIfNeeded: word)
      let slot = latest + Int(truncatingIfNeeded: word &>> vcpuShift & vcpuMask | word & setMask)
      // A run has no flag but that of a continuation.
      let isSpecial = UInt32(watched[Int(truncatingIfNeeded: word & watchedMask)]) | UInt32(word &>> 56)
      found[count] = UInt32(truncatingIfNeeded: next)
      count &+= Int((slot.pointee != page ? 1 : 0) | isSpecial)
      slot.pointee = page | (0 &- isSpecial)
      if hasRegions {
        let region = word & ~0xffff_ffff | UInt64(LinearKey.whole(page))
        latest[Int(truncatingIfNeeded: region &>> vcpuShift & vcpuMask | region & setMask)] |= 0 &- isSpecial
      }
      next &+= 1
    }
    return count
  }

  @inline(never)
  private func scanPages(_ runs: UnsafePointer<Run>, from start: Int, to end: Int) -> Int {
    scan(runs, from: start, to: end, hasRegions: false)
  }

  @inline(never)
  private func scanWithRegions(_ runs: UnsafePointer<Run>, from start: Int, to end: Int) -> Int {
    scan(runs, from: start, to: end, hasRegions: true)
  }
}
