import Addresses
import EPT
import GuestIntegrity

@testable import Replay

/// Least recently used, as a list a set: the most recent first.
struct PlainCache {
  struct Key: Hashable {
    var set: TableSet
    var number: UInt64
  }

  private var lists: [[Key]]
  private let ways: Int

  init(entries: Int, ways: Int) {
    lists = Array(repeating: [], count: ways > 0 ? entries / ways : 0)
    self.ways = ways
  }

  mutating func hit(_ key: Key) -> Bool {
    guard !lists.isEmpty, let place = lists[slot(key)].firstIndex(of: key) else { return false }
    lists[slot(key)].remove(at: place)
    lists[slot(key)].insert(key, at: 0)
    return true
  }

  mutating func insert(_ key: Key) {
    guard !lists.isEmpty else { return }
    lists[slot(key)].insert(key, at: 0)
    if lists[slot(key)].count > ways { lists[slot(key)].removeLast() }
  }

  /// How many keys of these table sets there were.
  mutating func drop(_ sets: [TableSet]) -> Int {
    let before = lists.reduce(0) { $0 + $1.count }
    for slot in lists.indices { lists[slot].removeAll { sets.contains($0.set) } }
    return before - lists.reduce(0) { $0 + $1.count }
  }

  private func slot(_ key: Key) -> Int { Int(key.number % UInt64(lists.count)) }
}

/// Remembers every EPT entry that a walk reads.
struct PlainPath: WalkObserver {
  var entries: [UInt64] = []
  var asksSubPages = false

  mutating func reference(_ kind: ReferenceKind, level: UInt8, address: HostPhysicalAddress, value: UInt64) {
    if kind == .ept { entries.append(address.rawValue) } else { asksSubPages = true }
  }

  mutating func write(_ kind: WriteKind, address: HostPhysicalAddress, value: UInt64) {}
}

/// Processors with plain caches.
struct PlainProcessors: ProcessorControl {
  struct Caches {
    var l1: PlainCache
    var stlb: PlainCache
    /// By level: PML4E, PDPTE, PDE.
    var pointers: [PlainCache]
    /// By cache level.
    var lines: [PlainCache]
    var active = TableSet.normal
  }

  var machines: [EPTMachine<FlatMemory>]
  var caches: [Caches]
  var counts: [Event: UInt64] = [:]
  var sets: [(pointer: EPTPointer, set: TableSet)] = []
  var verdicts: [[Verdict]]

  init(memory: FlatMemory, vcpus: Int, geometry: CacheGeometry) {
    machines = (0..<vcpus).map { _ in EPTMachine(memory: memory) }
    verdicts = (0..<vcpus).map { _ in [] }
    func full(_ entries: Int) -> PlainCache { PlainCache(entries: entries, ways: entries) }
    func lines(_ count: Int) -> PlainCache {
      guard count > 0 else { return full(0) }
      var sets = 1
      while sets * 2 * min(8, count) <= count { sets *= 2 }
      return PlainCache(entries: sets * min(8, count), ways: min(8, count))
    }
    let caches = Caches(
      l1: PlainCache(entries: geometry.l1StoreTLB.entries, ways: geometry.l1StoreTLB.ways),
      stlb: PlainCache(entries: geometry.stlb.entries, ways: geometry.stlb.ways),
      pointers: [full(geometry.pml4eCache), full(geometry.pdpteCache), full(geometry.pdeCache)],
      lines: [lines(geometry.walkLines.l1), lines(geometry.walkLines.l2), lines(geometry.walkLines.l3)])
    self.caches = Array(repeating: caches, count: vcpus)
  }

  private mutating func count(_ event: Event, _ times: Int = 1) { counts[event, default: 0] += UInt64(times) }

  /// Makes an access: nil where a TLB has it; how many entries were read; whether the processor logged the page.
  mutating func access(_ access: GuestAccess, on vcpu: Int) -> (TranslationOutcome?, Int, Bool) {
    let page = access.gpa.page.rawValue
    let set = caches[vcpu].active
    let key = PlainCache.Key(set: set, number: page)
    if caches[vcpu].l1.hit(key) {
      count(.l1TLBHits)
      return (nil, 0, false)
    }
    if caches[vcpu].stlb.hit(key) {
      count(.stlbHits)
      caches[vcpu].l1.insert(key)
      return (nil, 0, false)
    }
    count(.walks)
    var path = PlainPath()
    let index = machines[vcpu].fields.pmlIndex
    let outcome = machines[vcpu].access(access, &path)
    let logged = machines[vcpu].fields.pmlIndex != index
    if logged { count(.pmlEntries) }
    if path.asksSubPages { count(.sppLookups) }
    var translation: Translation?
    if case .translated(let found) = outcome { translation = found }
    // The deepest table pointer that is cached says where the walk starts.
    let pointers = (0..<max(0, path.entries.count - 1)).map {
      PlainCache.Key(set: set, number: page >> UInt64(27 - 9 * $0))
    }
    var start = 0
    for level in pointers.indices.reversed() where start == 0 && caches[vcpu].pointers[level].hit(pointers[level]) {
      start = level + 1
    }
    count(.pagingStructureCacheHits, start)
    for entry in path.entries.dropFirst(start) { count(place(of: entry, on: vcpu)) }
    if let translation {
      for level in pointers.indices where level >= start {
        if !caches[vcpu].pointers[level].hit(pointers[level]) { caches[vcpu].pointers[level].insert(pointers[level]) }
      }
      if !translation.bySubPage {
        caches[vcpu].stlb.insert(key)
        caches[vcpu].l1.insert(key)
      }
    }
    return (outcome, path.entries.count - start, logged)
  }

  /// Where the line of an entry is found; afterwards every cache has it.
  private mutating func place(of entry: UInt64, on vcpu: Int) -> Event {
    let key = PlainCache.Key(set: .normal, number: entry >> 6)
    let found = caches[vcpu].lines.indices.map { level in
      if caches[vcpu].lines[level].hit(key) { return true }
      caches[vcpu].lines[level].insert(key)
      return false
    }
    let events: [Event] = [.walkReferencesL1, .walkReferencesL2, .walkReferencesL3]
    return found.firstIndex(of: true).map { events[$0] } ?? .walkReferencesDRAM
  }

  mutating func loadEPTP(_ pointer: EPTPointer, set: TableSet, on vcpu: Int, by means: SwitchMeans) {
    machines[vcpu].eptp = pointer
    machines[vcpu].fields.eptpIndex = UInt16(set.rawValue)
    caches[vcpu].active = set
    count(means == .vmfunc ? .vmfuncSwitches : .eptpWrites)
  }

  mutating func invept(_ scope: InvalidationScope, on vcpu: Int) {
    var dropped = TableSet.allCases
    if case .single(let pointer) = scope { dropped = [sets.first { $0.pointer == pointer }!.set] }
    count(scope == .all ? .inveptAll : .inveptSingle)
    count(.translationsInvalidated, caches[vcpu].l1.drop(dropped) + caches[vcpu].stlb.drop(dropped))
    for level in 0..<3 { count(.translationsInvalidated, caches[vcpu].pointers[level].drop(dropped)) }
  }

  mutating func shootdown(of vcpu: Int, from sender: Int) { count(.shootdowns) }
  mutating func entriesEdited(_ edits: Int) { count(.entryEdits, edits) }
  mutating func driverStores(_ stores: Int, refused: Int, on vcpu: Int) { count(.treeStores, stores) }
  mutating func treeNodesVisited(_ nodes: Int, on vcpu: Int) { count(.treeNodesVisited, nodes) }
  mutating func judgedLate(_ verdict: Verdict, on vcpu: Int) { verdicts[vcpu].append(verdict) }

  mutating func exit(_ reason: ExitReason, on vcpu: Int) {
    switch reason {
    case .hypercall, .vmfunc: count(.hypercallExits)
    case .eptViolation, .subPage: count(.violationExits)
    case .monitorTrap: count(.singleSteps)
    case .modificationLogFull: count(.pmlFullExits)
    case .nonMaskableInterrupt, .controlRegister: break
    }
  }

  mutating func takeModificationLog(of vcpu: Int) -> [GuestPhysicalAddress] {
    let log = machines[vcpu].takeModificationLog()
    count(.pmlDrains, log.count)
    return log
  }
}
