import Addresses
import EPT
import GuestIntegrity

@testable import Replay

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

// Walks, one entry after the other, with what paging-structure and data caches spare, and what a refusal drops of them.
extension PlainProcessors {
  mutating func walkOne(_ access: GuestAccess, _ linear: PlainLinearPage?, on vcpu: Int) -> Access {
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
  mutating func walkBoth(_ access: GuestAccess, _ linear: PlainLinearPage, on vcpu: Int) -> Access? {
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
}
