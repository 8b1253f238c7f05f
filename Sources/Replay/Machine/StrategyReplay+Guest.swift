import Addresses
import EPT
import GuestIntegrity
import Recordings

/// What a strategy's replay knows of the guest's own paging, in two dimensions.
struct GuestPaging {
  var tables: GuestTables
  /// The page of the PML4 table in force on each vCPU; nil before the first CR3 is known, or where it lies in no memory.
  var roots: [UInt64?]
  /// What is known of each vCPU's control registers.
  var registers: [PagingRegisters]
}

extension StrategyReplay {
  /// A load of CR3 without PCIDs: drops every combined mapping of the vCPU but the global ones, and every combined
  /// paging-structure entry (SDM vol. 3A, "Operations that Invalidate TLBs and Paging-Structure Caches").
  func loadCR3(_ value: UInt64, on vcpu: Int) {
    // Modelled: translations carry no PCID, so that a load asking to keep those of its PCID drops them all the same.
    let value = value & ~(1 << 63)
    setRoot(value, on: vcpu)
    machines[vcpu].moveToCR3(value)
    let lost = hypervisor.processors.losses[vcpu].takeLost()
    hypervisor.processors.counts[vcpu][.cr3Loads] += 1
    hypervisor.processors.counts[vcpu][.translationsFlushed] += UInt64(lost)
  }

  /// A change of a register that decides how the guest pages.
  func control(_ change: RecordedEvent.ControlChange) {
    let vcpu = change.vcpu
    let drops = guest?.registers[vcpu].take(change) ?? false
    guest?.registers[vcpu].apply(to: &machines[vcpu].guest)
    guard drops else { return }
    machines[vcpu].flushGuestMappings()
    let lost = hypervisor.processors.losses[vcpu].takeLost()
    hypervisor.processors.counts[vcpu][.translationsFlushed] += UInt64(lost)
  }

  /// Whether a vCPU translates linear addresses by tables that are followed here: paging is on, with 4 levels.
  func pages(_ vcpu: Int) -> Bool { machines[vcpu].guest.paging && machines[vcpu].guest.mode == .fourLevel }

  /// The guest maps a page. Where that replaces an entry, the guest has invalidated what lay below it by then, on every vCPU
  /// that has these tables in force.
  func map(_ mapping: RecordedEvent.LinearMapping, key: UInt32) {
    if guest?.roots[mapping.vcpu] == nil { setRoot(mapping.cr3, on: mapping.vcpu) }
    guard let replaced = guest?.tables.install(mapping) else { return }
    let isKernel = mapping.linear.rawValue >> 63 != 0
    let root = (mapping.cr3 & EPTEntry.addressMask) >> 12
    for vcpu in logged.indices where isKernel || guest?.roots[vcpu] == root {
      let lost = caches[vcpu].invalidateLinear(key, below: replaced, ofKernel: isKernel)
      hypervisor.processors.counts[vcpu][.translationsFlushed] += UInt64(lost)
    }
  }

  private func setRoot(_ cr3: UInt64, on vcpu: Int) {
    let root = guest?.tables.root(cr3)
    guest?.roots[vcpu] = root
    machines[vcpu].guest.cr3 = cr3
  }

  /// Translates an access through both dimensions; nil where what the recording tells of the guest's tables does not lead to
  /// the page that it stored to.
  ///
  /// A recording holds no privilege of an access, and every access of it was permitted: walks are made as a supervisor's.
  func walkGuest(_ request: GuestAccess, for access: RecordedAccess) -> Walk? {
    let vcpu = access.run.vcpu
    guard let root = guest?.roots[vcpu] else { return nil }
    let linear = GuestLinearAddress(cursor.linearPage(of: access) << 12 | request.gpa.pageOffset)
    var path = NestedPath(linear: linear, root: root)
    let outcome = machines[vcpu].make(request, at: linear, &path)
    hypervisor.processors.counts[vcpu][.guestFlagUpdates] += UInt64(path.flagUpdates)
    let isTranslated = outcome.isTranslation
    defer { if !isTranslated { hypervisor.processors.losses[vcpu].settle() } }
    guard outcome.isOf(request.gpa.page) else {
      if case .virtualizationException = outcome { machines[vcpu].acknowledgeException() }
      return nil
    }
    let cost = caches[vcpu].walk.cost(
      of: path, set: TranslationKey.set(of: fast[vcpu].tag), translated: isTranslated)
    return Walk(
      outcome: outcome, cost: cost, asksSubPages: path.asksSubPages,
      isWhole: path.leaf >= .pde && outcome.leaf >= .pde, denied: path.denied)
  }
}

extension EPTMachine {
  /// Makes an access through a linear address. How many bytes it touches matters to sub-page permissions only.
  fileprivate mutating func make(
    _ request: GuestAccess, at linear: GuestLinearAddress, _ path: inout NestedPath
  ) -> TranslationOutcome {
    guard request.byteCount > 1, !request.kind.contains(.noSubPage) else {
      return access(linear: linear, request.kind.subtracting(.linear), user: false, &path)
    }
    let outcome = store(linear: linear, byteCount: Int(request.byteCount), user: false, &path)
    return outcome.refusal ?? outcome.parts.first.map { .translated($0.translation) } ?? .notCanonical(linear)
  }
}

extension TranslationOutcome {
  /// The level of the EPT leaf that a translation ended at.
  fileprivate var leaf: Level { if case .translated(let translation) = self { translation.walk.level } else { .pte } }
  fileprivate var isTranslation: Bool { if case .translated = self { true } else { false } }

  /// Whether an outcome tells what became of an access to this page: it got there, was refused there, or was held up by the
  /// walker's own stores on the way.
  fileprivate func isOf(_ page: GuestPageNumber) -> Bool {
    switch self {
    case .translated(let translation): translation.gpa.page == page
    case .violation(let violation), .virtualizationException(let violation):
      violation.isWalkerUpdate
        || !violation.access.kind.contains(.pagingStructure) && violation.gpa.page == page
    case .pmlFull(let event): event.access.kind.contains(.pagingStructure) || event.access.gpa.page == page
    case .sppEvent(let event): event.gpa.page == page
    case .misconfiguration(let event): event.gpa.page == page
    case .pageFault, .notCanonical: false
    }
  }
}

extension EPTViolation {
  /// The walker was refused the update of a guest entry's accessed or dirty flag.
  var isWalkerUpdate: Bool { access.kind.isSuperset(of: [.pagingStructure, .write]) }
}
