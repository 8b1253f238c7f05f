import Addresses
import EPT
import GuestIntegrity
import MonitorTree

/// The processors as a replay models them: an emulated MMU and caches for each vCPU. What the hypervisor asks of them is
/// counted, and their caches lose what an INVEPT invalidates.
///
/// Machines, caches and active sets are raw memory, so that the loop over stores reads them without reference counting or
/// exclusivity checks.
struct ModelledProcessors: ProcessorControl {
  let vcpus: Int
  private let memory: Memory
  /// The first-level TLBs, and the tags of active table sets: all that the common access reads. That of stores comes first for
  /// every vCPU, then those of loads and of fetches, if there are any: see ``tlb(of:on:vcpus:)``.
  let fast: UnsafeMutablePointer<FirstLevelTLB>
  private let tlbs: Int
  /// The MMU of each vCPU.
  let machines: UnsafeMutablePointer<EPTMachine<FlatMemory>>
  /// What the machines tell to drop, by vCPU.
  let losses: [ModelledCache]
  /// What happened, by the vCPU that it happened on.
  var counts: [EventCounts]
  /// Of them, those of the driver's own refused stores into its tree.
  private(set) var ownStores = EventCounts()
  /// The EPTP of each table set, by raw value: what the tags of cached mappings stand for.
  var pointers: [EPTPointer] = [] { didSet { for loss in losses { loss.tags = pointers.map(\.tag) } } }
  /// What a page-modification log turned out to hold, oldest first, since somebody last took it; by vCPU.
  private(set) var drained: [[Verdict]]

  init(memory: FlatMemory, vcpus: Int, geometry: CacheGeometry, hasAccesses: Bool = false) {
    self.vcpus = vcpus
    self.memory = Memory(guest: memory, vcpus: vcpus, geometry: geometry, hasAccesses: hasAccesses)
    (fast, tlbs, machines) = (self.memory.fast.base, self.memory.fast.count, self.memory.machines.base)
    drained = (0..<vcpus).map { _ in [] }
    counts = (0..<vcpus).map { _ in EventCounts() }
    losses = (0..<vcpus).map { [caches = self.memory.caches.base] in
      ModelledCache(caches + $0, vpid: UInt16(truncatingIfNeeded: $0 + 1))
    }
    for vcpu in 0..<vcpus { machines[vcpu].cache = losses[vcpu] }
  }

  /// What the pointers point to: freed with the last copy of these processors.
  private final class Memory {
    let keys = CacheMemory()
    let caches: Storage<VirtualCPUCaches>
    let fast: Storage<FirstLevelTLB>
    let machines: Storage<EPTMachine<FlatMemory>>
    let invalidations = Storage<UInt64>(repeating: 0, count: 1)

    init(guest: FlatMemory, vcpus: Int, geometry: CacheGeometry, hasAccesses: Bool) {
      let each = (0..<vcpus).map { [keys] _ in
        VirtualCPUCaches(geometry: geometry, hasAccesses: hasAccesses, in: keys)
      }
      caches = Storage(count: vcpus) { each[$0] }
      let kinds: [RecordedAccessKind] = hasAccesses ? RecordedAccessKind.allCases : [.store]
      let first = kinds.flatMap { kind in each.map { FirstLevelTLB(cache: $0.first(of: kind)) } }
      fast = Storage(count: first.count) { first[$0] }
      machines = Storage(repeating: EPTMachine(memory: guest), count: vcpus)
    }
  }

  var caches: UnsafeMutablePointer<VirtualCPUCaches> { memory.caches.base }
  /// How often caches have lost entries: what was cached before may be gone when this has changed.
  var invalidations: UnsafeMutablePointer<UInt64> { memory.invalidations.base }

  /// The number of the first-level TLB that serves such accesses of a vCPU.
  static func tlb(of kind: RecordedAccessKind, on vcpu: Int, vcpus: Int) -> Int { kind.rawValue * vcpus + vcpu }

  /// What happened on all of them.
  var total: EventCounts { counts.reduce(into: EventCounts()) { $0 += $1 } }

  mutating func loadEPTP(_ pointer: EPTPointer, set: TableSet, on vcpu: Int, by means: SwitchMeans) {
    switch means {
    case .vmcsWrite:
      machines[vcpu].eptp = pointer
      machines[vcpu].fields.eptpIndex = UInt16(set.rawValue)
    case .vmfunc:
      let outcome = machines[vcpu].vmfunc(eax: 0, ecx: UInt32(set.rawValue))
      // The hypervisor says so only after GI_INIT, when the list holds every set that the guest may reach.
      precondition(outcome == .switched(pointer, index: UInt16(set.rawValue)), "VMFUNC came to \(outcome)")
    }
    let tag = TranslationKey.key(page: 0, set: UInt32(set.rawValue))
    for tlb in stride(from: vcpu, to: tlbs, by: vcpus) { fast[tlb].tag = tag }
    counts[vcpu][means == .vmfunc ? .vmfuncSwitches : .eptpWrites] += 1
  }

  mutating func invept(_ scope: InvalidationScope, on vcpu: Int) {
    let outcome =
      switch scope {
      case .single(let pointer): machines[vcpu].invept(type: 1, eptp: pointer)
      case .all: machines[vcpu].invept(type: 2, eptp: EPTPointer(0))
      }
    precondition(outcome == .success, "INVEPT came to \(outcome)")
    let lost = losses[vcpu].takeLost()
    invalidations.pointee += 1
    counts[vcpu][scope == .all ? .inveptAll : .inveptSingle] += 1
    counts[vcpu][.translationsInvalidated] += UInt64(lost)
  }

  mutating func acted(_ act: Act, on vcpu: Int) { counts[vcpu][act.event] += 1 }
  /// An alert has been raised, and these actions carried out.
  mutating func alerted(_ actions: AlertActions, on vcpu: Int) {
    counts[vcpu][.alerts] += 1
    for (event, count) in PricedActions.events(of: actions) { counts[vcpu][event] += count }
  }
  mutating func virtualizationException(on vcpu: Int) { counts[vcpu][.virtualizationExceptions] += 1 }
  mutating func shootdown(of vcpu: Int, from sender: Int) { counts[vcpu][.shootdowns] += 1 }
  mutating func entriesEdited(_ count: Int, by vcpu: Int) { counts[vcpu][.entryEdits] += UInt64(count) }

  mutating func exit(_ reason: ExitReason, on vcpu: Int) {
    // A recording has neither interrupts nor intercepted loads of control registers.
    if let act = Act(reason) { counts[vcpu][act.event] += 1 }
  }

  /// A refused store of the driver's own exits, is looked up, and is completed as every refused store is.
  mutating func driverStores(_ count: Int, refused: Int, nodesVisited: Int, on vcpu: Int) {
    counts[vcpu][.treeStores] += UInt64(count)
    let owed = [(Event.violationExits, refused), (.emulatedStores, refused), (.treeNodesVisited, nodesVisited)]
    for (event, count) in owed {
      counts[vcpu][event] += UInt64(count)
      ownStores[event] += UInt64(count)
    }
  }
  mutating func treeNodesVisited(_ count: Int, on vcpu: Int) { counts[vcpu][.treeNodesVisited] += UInt64(count) }

  mutating func takeModificationLog(of vcpu: Int) -> [GuestPhysicalAddress] {
    let log = machines[vcpu].takeModificationLog()
    counts[vcpu][.pmlDrains] += UInt64(log.count)
    return log
  }

  /// The pages that the processor logged last, so many, oldest first.
  func latestLogged(_ count: Int, on vcpu: Int) -> [GuestPageNumber] {
    let fields = machines[vcpu].fields
    return (1...count).reversed().map { back in
      let slot = fields.pmlAddress.rawValue + 8 * (UInt64(fields.pmlIndex &+ UInt16(back)) & 511)
      return GuestPhysicalAddress(machines[vcpu].memory.load(HostPhysicalAddress(slot))).page
    }
  }

  mutating func judgedLate(_ verdict: Verdict, on vcpu: Int) { drained[vcpu].append(verdict) }

  /// The verdicts on what the log held, oldest first; nobody gets them twice.
  mutating func takeDrained(of vcpu: Int) -> [Verdict] {
    defer { drained[vcpu].removeAll(keepingCapacity: true) }
    return drained[vcpu]
  }
}
