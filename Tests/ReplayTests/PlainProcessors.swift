import Addresses
import EPT
import GuestIntegrity
import Recordings

@testable import Replay

/// A linear page, and whether the guest has mapped it globally.
struct PlainLinearPage {
  var number: UInt64
  var isGlobal: Bool
  /// As far as the recording tells, guest and EPT both map its region by leaves of 2 MiB or more.
  var isOfLargePage: Bool

  /// What translations of it may be cached under.
  func keys(under set: TableSet) -> [PlainCache.Key] {
    let region = PlainCache.Key(set: set, number: number / 512, isGlobal: isGlobal, isRegion: true)
    return isOfLargePage ? [region] : [PlainCache.Key(set: set, number: number, isGlobal: isGlobal), region]
  }
}

/// Processors with plain caches.
struct PlainProcessors: ProcessorControl {
  struct Caches {
    /// First-level TLBs, by kind of access.
    var first: [RecordedAccessKind: PlainCache]
    var stlb: PlainCache
    /// By level: PML4E, PDPTE, PDE.
    var pointers: [PlainCache]
    /// Likewise of combined mappings, by linear page.
    var combined: [PlainCache]
    /// By cache level.
    var lines: [PlainCache]
    var active = TableSet.normal
    /// What cached translations permit but loads.
    var rights: [PlainCache.Key: Set<RecordedAccessKind>] = [:]
    /// CR0, CR4 and EFER, where the recording has told.
    var control: [RecordedEvent.ControlRegister: UInt64] = [:]
    /// The guest's PML4 table, if it lies in its memory.
    var root: UInt64?
  }

  var machines: [EPTMachine<FlatMemory>]
  var caches: [Caches]
  var counts: [Event: UInt64] = [:]
  var sets: [(pointer: EPTPointer, set: TableSet)] = []
  var verdicts: [[Verdict]]
  /// If it was asked for, what caches hold that see the same and lose only what they must.
  var shadows: [EPTMachine<FlatMemory>] = []
  /// Translations in the TLBs, by vCPU, that were walked for in one dimension.
  var unmapped: [Set<PlainCache.Key>]
  /// Entries of the guest-physical kind that the access under way has cached.
  var filled: Set<PlainCache.Key> = []
  /// Hits and starts of walks that the shadows had, too.
  var included = 0
  /// Those that they had not, in words.
  var excluded: [String] = []

  init(memory: FlatMemory, vcpus: Int, geometry: CacheGeometry) {
    machines = (0..<vcpus).map { _ in EPTMachine(memory: memory) }
    verdicts = (0..<vcpus).map { _ in [] }
    unmapped = (0..<vcpus).map { _ in [] }
    func full(_ entries: Int) -> PlainCache { PlainCache(entries: entries, ways: entries) }
    func lines(_ count: Int) -> PlainCache {
      guard count > 0 else { return full(0) }
      var sets = 1
      while sets * 2 * min(8, count) <= count { sets *= 2 }
      return PlainCache(entries: sets * min(8, count), ways: min(8, count))
    }
    let caches = Caches(
      first: [.store: geometry.l1StoreTLB, .load: geometry.loadTLB, .fetch: geometry.instructionTLB].mapValues {
        PlainCache(entries: $0.entries, ways: $0.ways)
      },
      stlb: PlainCache(entries: geometry.stlb.entries, ways: geometry.stlb.ways),
      pointers: [full(geometry.pml4eCache), full(geometry.pdpteCache), full(geometry.pdeCache)],
      combined: [full(geometry.pml4eCache), full(geometry.pdpteCache), full(geometry.pdeCache)],
      lines: [lines(geometry.walkLines.l1), lines(geometry.walkLines.l2), lines(geometry.walkLines.l3)])
    self.caches = Array(repeating: caches, count: vcpus)
  }

  mutating func count(_ event: Event, _ times: Int = 1) { counts[event, default: 0] += UInt64(times) }

  /// What an access came to.
  struct Access {
    /// Nil where a TLB had it.
    var outcome: TranslationOutcome?
    /// Entries read.
    var references = 0
    /// The smaller of the leaves that a walk in both dimensions has ended at; nil for other walks.
    var leaf: Level?
    /// Pages that the processor logged, oldest first.
    var logged: [GuestPageNumber] = []
    /// Guest entries as they were read.
    var guest: [UInt64] = []
  }

  /// Makes an access, by its linear page in two dimensions.
  mutating func access(_ access: GuestAccess, linear: PlainLinearPage?, on vcpu: Int) -> Access {
    let page = access.gpa.page.rawValue
    let set = caches[vcpu].active
    filled = []
    let keys =
      linear?.keys(under: set) ?? [PlainCache.Key(set: set, number: page, isGlobal: false)]
    var isHit = true
    var isUnmapped = linear == nil
    defer { shadow(access, linear, isHit: isHit, isUnmapped: isUnmapped, on: vcpu) }
    let kind: RecordedAccessKind =
      access.kind.contains(.write) ? .store : access.kind.contains(.fetch) ? .fetch : .load
    for key in keys where caches[vcpu].first[kind]!.hit(key) {
      count(.l1TLBHits)
      isUnmapped = isUnmapped || unmapped[vcpu].contains(key)
      include("a TLB hit", access.gpa, linear, isUnmapped: isUnmapped, on: vcpu)
      return Access()
    }
    for key in keys
    where caches[vcpu].stlb.hit(key) && (kind == .load || caches[vcpu].rights[key]!.contains(kind)) {
      count(.stlbHits)
      caches[vcpu].first[kind]!.insert(key)
      isUnmapped = isUnmapped || unmapped[vcpu].contains(key)
      include("a hit of the second level", access.gpa, linear, isUnmapped: isUnmapped, on: vcpu)
      return Access()
    }
    count(.walks)
    isHit = false
    let before = machines[vcpu].fields
    var result = Access()
    if let linear {
      if isPaged(vcpu), let nested = walkBoth(access, linear, on: vcpu) {
        result = nested
      } else {
        if isPaged(vcpu) { count(.unmappedWalks) }
        result = walkOne(access, linear, on: vcpu)
        isUnmapped = true
      }
    } else {
      result = walkOne(access, nil, on: vcpu)
    }
    switch result.outcome {
    case .violation, .virtualizationException: for key in keys { dropTranslation(key, on: vcpu) }
    default: break
    }
    result.logged = logged(since: before, on: vcpu)
    if case .translated(let translation) = result.outcome, !translation.bySubPage {
      let key = (result.leaf ?? .pte) > .pte ? keys[keys.count - 1] : keys[0]
      if !caches[vcpu].stlb.hit(key) { caches[vcpu].stlb.insert(key) }
      if !caches[vcpu].first[kind]!.hit(key) { caches[vcpu].first[kind]!.insert(key) }
      caches[vcpu].rights[key] = rights(of: translation, kind, result.guest, on: vcpu)
      if isUnmapped { unmapped[vcpu].insert(key) } else { unmapped[vcpu].remove(key) }
    }
    return result
  }

  /// Pages logged since the fields were these, oldest first.
  mutating func logged(since before: VMCSFields, on vcpu: Int) -> [GuestPageNumber] {
    var pages: [GuestPageNumber] = []
    var index = before.pmlIndex
    while index != machines[vcpu].fields.pmlIndex {
      count(.pmlEntries)
      let slot = HostPhysicalAddress(before.pmlAddress.rawValue + 8 * UInt64(index))
      pages.append(GuestPhysicalAddress(machines[vcpu].memory.load(slot)).page)
      index &-= 1
    }
    return pages
  }

  /// What a translation permits but loads, by what is known from its walk: a store takes a dirty flag that is set, and a kind of access
  /// that has just been made is permitted.
  private func rights(
    of translation: Translation, _ kind: RecordedAccessKind, _ guest: [UInt64], on vcpu: Int
  ) -> Set<RecordedAccessKind> {
    var rights: Set<RecordedAccessKind> = [kind]
    let usesFlags = machines[vcpu].eptp.rawValue & 1 << 6 != 0
    let isDirty = !usesFlags || translation.walk.entry.rawValue & 1 << 9 != 0
    let guestMayWrite = guest.allSatisfy { $0 & 2 != 0 } && guest.last.map { $0 & 1 << 6 != 0 } ?? true
    if isDirty, translation.rights.contains(.write), guestMayWrite { rights.insert(.store) }
    if translation.rights.contains(.execute), guest.allSatisfy({ $0 >> 63 == 0 }) { rights.insert(.fetch) }
    return rights
  }

  /// A refused access invalidates what would translate its address.
  mutating func dropTranslation(_ key: PlainCache.Key, on vcpu: Int) {
    for kind in RecordedAccessKind.allCases { _ = caches[vcpu].first[kind]!.drop { $0 == key } }
    _ = caches[vcpu].stlb.drop { $0 == key }
  }

  /// Whether the vCPU translates linear addresses at all.
  func isPaged(_ vcpu: Int) -> Bool { (caches[vcpu].control[.cr0] ?? 1 << 31) & 1 << 31 != 0 }

  /// Changes a control register. Changes of CR0.PG and CR4.PGE, CR4.SMEP set and CR4.PCIDE cleared drop everything.
  mutating func change(_ change: RecordedEvent.ControlChange) {
    let vcpu = change.vcpu
    let old = caches[vcpu].control.updateValue(change.value, forKey: change.register)
    switch change.register {
    case .cr0:
      machines[vcpu].guest.paging = change.value & 1 << 31 != 0
      guard old.map({ ($0 ^ change.value) & 1 << 31 != 0 }) ?? true else { return }
    case .cr4:
      machines[vcpu].guest.globalPages = change.value & 0x80 != 0
      machines[vcpu].guest.processContextIDs = change.value & 0x2_0000 != 0
      if let old {
        let drops =
          (old ^ change.value) & 0x80 != 0 || old & ~change.value & 0x2_0000 != 0
          || change.value & ~old & 0x10_0000 != 0
        guard drops else { return }
      }
    case .efer: return
    }
    flush(on: vcpu) { _ in true }
  }

  /// Drops what a load of CR3 drops.
  mutating func loadCR3(on vcpu: Int) {
    count(.cr3Loads)
    if !shadows.isEmpty { shadows[vcpu].moveToCR3(machines[vcpu].guest.cr3) }
    flush(on: vcpu) { !$0.isGlobal }
  }

  /// Drops pages, and all combined paging-structure entries.
  mutating func flush(on vcpu: Int, where leaves: (PlainCache.Key) -> Bool) {
    for kind in RecordedAccessKind.allCases {
      count(.translationsFlushed, caches[vcpu].first[kind]!.drop(where: leaves))
    }
    count(.translationsFlushed, caches[vcpu].stlb.drop(where: leaves))
    for level in 0..<3 { count(.translationsFlushed, caches[vcpu].combined[level].drop { _ in true }) }
  }

  mutating func loadEPTP(_ pointer: EPTPointer, set: TableSet, on vcpu: Int, by means: SwitchMeans) {
    machines[vcpu].eptp = pointer
    machines[vcpu].fields.eptpIndex = UInt16(set.rawValue)
    shadowSwitch(to: pointer, set, on: vcpu, by: means)
    caches[vcpu].active = set
    count(means == .vmfunc ? .vmfuncSwitches : .eptpWrites)
  }

  mutating func invept(_ scope: InvalidationScope, on vcpu: Int) {
    shadowInvept(scope, on: vcpu)
    var dropped = TableSet.allCases
    if case .single(let pointer) = scope { dropped = [sets.first { $0.pointer == pointer }!.set] }
    count(scope == .all ? .inveptAll : .inveptSingle)
    for kind in RecordedAccessKind.allCases { count(.translationsInvalidated, caches[vcpu].first[kind]!.drop(dropped)) }
    count(.translationsInvalidated, caches[vcpu].stlb.drop(dropped))
    for level in 0..<3 {
      count(
        .translationsInvalidated,
        caches[vcpu].pointers[level].drop(dropped) + caches[vcpu].combined[level].drop(dropped))
    }
  }

  mutating func shootdown(of vcpu: Int, from sender: Int) { count(.shootdowns) }
  mutating func entriesEdited(_ edits: Int, by vcpu: Int) { count(.entryEdits, edits) }
  mutating func driverStores(_ stores: Int, refused: Int, nodesVisited: Int, on vcpu: Int) {
    count(.treeStores, stores)
    count(.violationExits, refused)
    count(.emulatedStores, refused)
    count(.treeNodesVisited, nodesVisited)
  }
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
