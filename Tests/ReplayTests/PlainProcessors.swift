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

extension EPTViolation {
  /// Of the walker's own store to a guest entry.
  var isUpdate: Bool { access.kind.contains(.pagingStructure) && access.kind.contains(.write) }
  func isOf(_ page: GuestPageNumber) -> Bool { !access.kind.contains(.pagingStructure) && access.gpa.page == page }
}

extension EPTMachine {
  /// Makes a store of a recording at its linear address.
  mutating func write(
    _ access: GuestAccess, to linear: GuestLinearAddress, _ path: inout PlainPath
  ) -> TranslationOutcome {
    guard !access.kind.contains(.noSubPage) else {
      return self.access(linear: linear, [.write, .noSubPage], user: false, &path)
    }
    let store = store(linear: linear, byteCount: Int(access.byteCount), user: false, &path)
    return store.refusal ?? .translated(store.parts[0].translation)
  }
}

/// Remembers every entry that a walk reads.
struct PlainPath: WalkObserver {
  struct Entry {
    var kind: ReferenceKind
    var level: Level
    var address: UInt64
    var value: UInt64
  }

  var entries: [Entry] = []
  var asksSubPages = false
  var flagUpdates = 0

  mutating func reference(_ kind: ReferenceKind, level: UInt8, address: HostPhysicalAddress, value: UInt64) {
    if kind == .subPage { asksSubPages = true }
    guard kind != .subPage, let level = Level(rawValue: level) else { return }
    entries.append(Entry(kind: kind, level: level, address: address.rawValue, value: value))
  }

  mutating func write(_ kind: WriteKind, address: HostPhysicalAddress, value: UInt64) {
    if kind == .guestFlags { flagUpdates += 1 }
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
  private var filled: Set<PlainCache.Key> = []
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

  private mutating func count(_ event: Event, _ times: Int = 1) { counts[event, default: 0] += UInt64(times) }

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

  private mutating func walkOne(_ access: GuestAccess, _ linear: PlainLinearPage?, on vcpu: Int) -> Access {
    var path = PlainPath()
    let outcome = machines[vcpu].access(access, &path)
    if path.asksSubPages { count(.sppLookups) }
    var ended = false
    if case .translated = outcome { ended = true }
    let read = readNested(path.entries.map(\.address), of: access.gpa.page.rawValue, ended, on: vcpu)
    forget(after: outcome, linear: linear.map { $0.number & 0xf_ffff_ffff }, on: vcpu)
    return Access(outcome: outcome, references: read)
  }

  /// A violation drops what would translate its guest-physical address, paging-structure entries included, and what the access
  /// used for its linear address, also if it was refused at a table of the guest (SDM vol. 3C, "Guidelines for Use of the INVEPT
  /// Instruction"). A page fault drops the latter (vol. 3A, "Operations that Invalidate TLBs and Paging-Structure Caches").
  mutating func forget(after outcome: TranslationOutcome, linear: UInt64?, on vcpu: Int) {
    let set = caches[vcpu].active
    var physical: UInt64?
    switch outcome {
    case .violation(let event), .virtualizationException(let event):
      physical = event.gpa.page.rawValue
    case .pageFault: break
    default: return
    }
    if let physical { forgetPhysical(physical, on: vcpu) }
    guard let linear else { return }
    for level in 0..<3 {
      _ = caches[vcpu].combined[level].drop { $0.set == set && $0.number == linear >> UInt64(27 - 9 * level) }
    }
  }

  /// A violation by a linear address drops what would translate the guest's tables on its way, and the page they lead to: it does not
  /// recur when the access is made again (SDM vol. 3C, "Guidelines for Use of the INVEPT Instruction").
  mutating func forgetTables(of linear: GuestLinearAddress, after outcome: TranslationOutcome, on vcpu: Int) {
    switch outcome {
    case .violation, .virtualizationException: break
    default: return
    }
    // Loads that change nothing: no accessed flags, no log, no event.
    var machine = machines[vcpu]
    machine.controls.set([.eptViolationVE, .enablePML], to: false)
    machine.eptp = EPTPointer(machine.eptp.rawValue & ~(1 << 6))
    guard var table = caches[vcpu].root else { return }
    for level in [Level.pml4e, .pdpte, .pde, .pte] {
      forgetPhysical(table >> 12, on: vcpu)
      let slot = table & 0xf_ffff_ffff_f000 + 8 * level.index(of: linear.rawValue)
      var path = PlainPath()
      let load = machine.access(GuestAccess(GuestPhysicalAddress(slot), .read), &path)
      guard case .translated(let translation) = load else { return }
      let entry = machine.memory.load(translation.hpa)
      guard entry & 1 != 0 else { return }
      table = entry & 0xf_ffff_ffff_f000
      guard GuestEntry(entry).mapsPage(at: level) else { continue }
      forgetPhysical((table & ~level.offsetMask | linear.rawValue & level.offsetMask) >> 12, on: vcpu)
      return
    }
  }

  private mutating func forgetPhysical(_ page: UInt64, on vcpu: Int) {
    let set = caches[vcpu].active
    for level in 0..<3 {
      _ = caches[vcpu].pointers[level].drop { $0.set == set && $0.number == page >> UInt64(27 - 9 * level) }
    }
  }

  /// Reads the entries of one walk of the EPT, from the deepest table pointer on that is cached; how many that are.
  private mutating func readNested(_ entries: [UInt64], of page: UInt64, _ mayCache: Bool, on vcpu: Int) -> Int {
    let set = caches[vcpu].active
    let pointers = (0..<max(0, entries.count - 1)).map { PlainCache.Key(set: set, number: page >> UInt64(27 - 9 * $0)) }
    var start = 0
    for level in pointers.indices.reversed() where start == 0 && caches[vcpu].pointers[level].hit(pointers[level]) {
      start = level + 1
    }
    count(.pagingStructureCacheHits, start)
    if start > 0 {
      let (gpa, level) = (GuestPageNumber(page).address, [Level.pml4e, .pdpte, .pde][start - 1])
      // What an earlier nested walk of this access has brought the shadow has yet to see.
      if !filled.contains(pointers[start - 1]) { includeStart(below: level, of: gpa, on: vcpu) }
    }
    for entry in entries.dropFirst(start) { count(place(of: entry, on: vcpu)) }
    if mayCache { filled.formUnion(pointers.dropFirst(start)) }
    for level in pointers.indices where mayCache && level >= start {
      if !caches[vcpu].pointers[level].hit(pointers[level]) { caches[vcpu].pointers[level].insert(pointers[level]) }
    }
    return entries.count - start
  }

  /// Walks the guest's tables and the EPT; nil where that leads elsewhere.
  private mutating func walkBoth(_ access: GuestAccess, _ linear: PlainLinearPage, on vcpu: Int) -> Access? {
    guard let root = caches[vcpu].root else { return nil }
    var path = PlainPath()
    let address = GuestLinearAddress(linear.number << 12 | access.gpa.pageOffset)
    let outcome =
      access.kind.contains(.write)
      ? machines[vcpu].write(access, to: address, &path)
      : machines[vcpu].access(linear: address, access.kind.subtracting(.linear), user: false, &path)
    count(.guestFlagUpdates, path.flagUpdates)
    var leadsHere = false
    var ended = false
    switch outcome {
    case .translated(let translation):
      ended = true
      leadsHere = translation.gpa.page == access.gpa.page
    case .violation(let violation): leadsHere = violation.isUpdate || violation.isOf(access.gpa.page)
    case .virtualizationException(let violation):
      leadsHere = violation.isUpdate || violation.isOf(access.gpa.page)
      if !leadsHere { machines[vcpu].acknowledgeException() }
    case .pmlFull(let event):
      leadsHere = event.access.kind.contains(.pagingStructure) || event.access.gpa.page == access.gpa.page
    default: break
    }
    let number = linear.number & 0xf_ffff_ffff
    defer {
      forget(after: outcome, linear: number, on: vcpu)
      forgetTables(of: address, after: outcome, on: vcpu)
    }
    guard leadsHere else { return nil }
    if path.asksSubPages { count(.sppLookups) }

    // Which table pointers of the guest a combined cache holds.
    let set = caches[vcpu].active
    let guest = path.entries.filter { $0.kind == .guest }
    let pointers = guest.indices.filter { !GuestEntry(guest[$0].value).mapsPage(at: guest[$0].level) }
      .map { PlainCache.Key(set: set, number: number >> UInt64(27 - 9 * $0)) }
    var known = 0
    for level in pointers.indices.reversed() where known == 0 && caches[vcpu].combined[level].hit(pointers[level]) {
      known = level + 1
    }
    if known > 0 { includeStart(below: [.pml4e, .pdpte, .pde][known - 1], of: address, on: vcpu) }
    var read = 0
    var nested: [UInt64] = []
    var step = 0
    var page = root >> 12
    func isSaved(_ step: Int) -> Bool { known > 0 && step <= known }
    for entry in path.entries {
      guard entry.kind == .guest else {
        nested.append(entry.address)
        continue
      }
      if isSaved(step) {
        count(.pagingStructureCacheHits, nested.count)
      } else {
        read += readNested(nested, of: page, true, on: vcpu)
      }
      if step < known {
        count(.pagingStructureCacheHits)
      } else {
        count(place(of: entry.address, on: vcpu))
        count(.guestReferences)
        read += 1
      }
      nested = []
      step += 1
      page = (entry.value & 0xf_ffff_ffff_f000) >> 12
      if GuestEntry(entry.value).mapsPage(at: entry.level) {
        let pages = entry.level.pageCount
        page = page / pages * pages + linear.number % pages
      }
    }
    if isSaved(step) {
      count(.pagingStructureCacheHits, nested.count)
    } else {
      read += readNested(nested, of: page, ended, on: vcpu)
    }
    for level in pointers.indices where ended && level >= known {
      if !caches[vcpu].combined[level].hit(pointers[level]) { caches[vcpu].combined[level].insert(pointers[level]) }
    }
    var leaf: Level?
    if case .translated(let translation) = outcome, let last = guest.last {
      leaf = min(last.level, translation.walk.level)
    }
    return Access(outcome: outcome, references: read, leaf: leaf, guest: guest.map(\.value))
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
