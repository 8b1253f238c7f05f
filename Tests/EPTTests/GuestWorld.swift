import Addresses

@testable import EPT

/// A guest with its own page tables, and EPT below them: the same memory for the tests of the second dimension and of the caches.
///
/// EPT maps guest-physical pages 0...255 one to one from host-physical 100000 on. The guest's tables lie at guest-physical 1000 (PML4), 2000, 3000, 4000.
struct GuestWorld {
  static let base: UInt64 = 0x10_0000
  let memory = SparseMemory()
  var machine: EPTMachine<SparseMemory>

  init(ept level: Level = .pte, guest: Level = .pte, controls: Controls = .ept, policies: Policies = Policies()) {
    var state = GuestState()
    state.cr3 = 0x1000
    machine = EPTMachine(
      memory: memory, controls: controls, eptp: EPTPointer(0x101e), policies: policies, guest: state)
    // EPT tables at host-physical 1000, 2000, 3000, 4000.
    set(0x1000, 0x2407)
    set(0x2000, level == .pdpte ? 0x4b7 : 0x3407)
    set(0x3000, level == .pde ? 0x4b7 : 0x4407)
    for page in UInt64(0)..<256 { set(Self.slot(page), Self.base + page << 12 | 0x437) }
    // Larger EPT pages map guest-physical 0 to host-physical 0, so the guest's tables go there.
    let offset = level == .pte ? Self.base : 0x20_0000 * 0
    place(guest, at: offset)
  }

  private func place(_ leaf: Level, at offset: UInt64) {
    let shift = offset == 0 ? UInt64(0x8000) : 0
    // Above EPT's own tables when guest-physical equals host-physical.
    let tables = (pml4: shift + 0x1000, pdpt: shift + 0x2000, pd: shift + 0x3000, pt: shift + 0x4000)
    set(offset + tables.pml4, tables.pdpt | 0x67)
    set(offset + tables.pdpt, leaf == .pdpte ? 0xe7 : tables.pd | 0x67)
    set(offset + tables.pd, leaf == .pde ? 0xe7 : tables.pt | 0x67)
    for page in UInt64(0)..<256 { set(offset + tables.pt + page * 8, page << 12 | 0x67) }
  }

  /// Where the EPT PTE of a guest-physical page lies.
  static func slot(_ page: UInt64) -> UInt64 { 0x4000 + page * 8 }
  /// Where a guest entry of the 4 KiB world lies in the machine: 1 PML4E, 2 PDPTE, 3 PDE, 4 PTE of page 0.
  static func guestSlot(_ table: UInt64, _ index: UInt64 = 0) -> UInt64 { base + table << 12 + index * 8 }

  func set(_ address: UInt64, _ value: UInt64) { memory.store(value, at: HostPhysicalAddress(address)) }
  func get(_ address: UInt64) -> UInt64 { memory.load(HostPhysicalAddress(address)) }

  mutating func linear(_ address: UInt64, _ kind: AccessKind, user: Bool = false) -> TranslationOutcome {
    machine.access(linear: GuestLinearAddress(address), kind, user: user)
  }

  /// An access whose freshness is examined.
  mutating func examined(_ address: UInt64, _ kind: AccessKind) -> (
    outcome: TranslationOutcome, stale: StaleTranslation?
  ) {
    var nobody = NoObserver()
    return machine.examined(.linear(GuestLinearAddress(address), kind, user: false), &nobody)
  }

  mutating func examined(gpa: UInt64, _ kind: AccessKind) -> (outcome: TranslationOutcome, stale: StaleTranslation?) {
    var nobody = NoObserver()
    return machine.examined(.physical(GuestAccess(GuestPhysicalAddress(gpa), kind)), &nobody)
  }
}

extension TranslationOutcome {
  /// The host-physical address of a permitted access.
  var hpa: UInt64? {
    guard case .translated(let translation) = self else { return nil }
    return translation.hpa.rawValue
  }

  /// The qualification of a violation that exits.
  var violation: UInt64? {
    guard case .violation(let violation) = self else { return nil }
    return violation.qualification.rawValue
  }

  /// The error code of a page fault.
  var faultCode: UInt32? {
    guard case .pageFault(let fault) = self else { return nil }
    return fault.code
  }
}
