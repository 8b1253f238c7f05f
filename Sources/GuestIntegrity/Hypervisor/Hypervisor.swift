import Addresses
import EPT
import EPTTables
import MonitorTree

/// The hypervisor of one virtual machine with a guest-integrity driver: two table sets, a mode a vCPU, hypercalls,
/// and what becomes of stores that the tables refuse.
///
/// Guest memory lies at host-physical 0, EPT paging structures right above it; the tree's base pointer lies in neither.
/// One thread at a time uses a hypervisor; each vCPU's alerts may be taken by another.
public final class Hypervisor<Processors: ProcessorControl> {
  // One thread at a time uses a hypervisor, and nothing that the monitor calls comes back to it: the runtime need not look.
  @exclusivity(unchecked) var monitor: IntegrityMonitor
  /// Host-physical memory: the guest's, and the EPT paging structures above it.
  public let memory: FlatMemory
  /// Keeps ``memory`` alive.
  private let owner: HostMemory
  /// What the hypervisor is set up to do.
  public let configuration: Configuration
  let partlyListed: PartlyListedPages
  let base: BasePointer
  var writer: TreeWriter
  /// Host pages above all that is planned for, where guest pages can be moved.
  var spareFrames: FramePool
  var fields: ProcessorFields
  var openView: OpenView?
  /// Pages whose stores are refused although stores are logged; nil where none ever is.
  @exclusivity(unchecked) var promoted: PromotedPages?
  /// The processors: what the hypervisor asks of them, the caller models.
  public var processors: Processors

  /// A machine with `ramBytes` of guest memory (a multiple of 4096) and `vcpus` processors, all in normal mode.
  ///
  /// - Parameters:
  ///   - memory: at least ``hostBytes(ramBytes:)`` long; its first `ramBytes` are the guest's, and what is longer can take pages
  ///     that are moved
  ///   - ramBytes: guest memory, at most 1 TiB
  ///   - vcpus: 1 to 256
  ///   - configuration: the strategy's choices, and what is done about faults
  ///   - processors: who loads EPTPs, invalidates and interrupts; whoever drives the machine models or counts it
  /// - Throws: ``HypervisorError``.
  public init(
    memory: HostMemory, ramBytes: UInt64, vcpus: Int, configuration: Configuration, processors: Processors
  ) throws(HypervisorError) {
    guard ramBytes > 0, ramBytes & 0xfff == 0, ramBytes <= 1 << 40 else { throw .guestMemorySize(ramBytes) }
    guard (1...HostLayout.maximumVCPUs).contains(vcpus) else { throw .vcpuCount(vcpus) }
    let pages = ramBytes >> 12
    let layout = HostLayout(guestPages: pages)
    guard memory.memory.byteCount >= layout.end else {
      throw .hostMemorySize(found: memory.memory.byteCount, needed: layout.end)
    }
    guard let guestMemory = GuestMemory(start: memory.memory.base, pageCount: pages) else {
      throw .guestMemorySize(ramBytes)
    }
    do throws(TableError) {
      let mechanism = configuration.mechanism
      let unwatched = mechanism.noticing.unwatched
      let tables = try TableSets(
        memory: memory.memory, pageCount: pages, pool: FramePool(layout.tables), unwatched: unwatched,
        twoSets: configuration.switching.usesTwoSets, stripsExecution: configuration.integrityExecution == .giCodeOnly)
      fields = try ProcessorFields(memory: memory.memory, pool: FramePool(layout.auxiliary), vcpus: vcpus)
      openView =
        try mechanism.completion.openView.map { (user) throws(TableError) in
          try OpenView(
            memory: memory.memory, pageCount: pages, pool: FramePool(layout.openView), unwatched: unwatched,
            isReachable: user == .guest)
        }
      base = BasePointer()
      let rings = (0..<vcpus).map { _ in AlertRing(capacity: configuration.ringCapacity) }
      monitor = IntegrityMonitor(
        configuration: configuration, memory: guestMemory, tree: MonitorTree(memory: guestMemory, base: base),
        rings: rings, posters: rings.map(\.poster),
        tracing: TracingService(
          tables: tables, needsSmallLeaves: mechanism.noticing.needsSmallLeaves,
          bits: { [noticing = mechanism.noticing] in noticing.bits(of: $0) }),
        vcpus: [VirtualCPU](repeating: VirtualCPU(), count: vcpus))
    } catch {
      throw .hostMemorySize(found: memory.memory.byteCount, needed: layout.end)
    }
    if let rule = configuration.mechanism.noticing.promotion, let client = monitor.tracing.addClient() {
      promoted = PromotedPages(client, rule)
      monitor.ownClients.formUnion(client.set)
    }
    writer = TreeWriter(emptyTreeIn: guestMemory, base: base, nodeActions: configuration.nodeActions)
    spareFrames = FramePool(
      first: HostPhysicalAddress(layout.end), count: Int((memory.memory.byteCount - layout.end) >> 12))
    partlyListed = PartlyListedPages(configuration.regionBytes)
    self.memory = memory.memory
    owner = memory
    self.configuration = configuration
    self.processors = processors
  }

  /// How much host memory a machine takes: the guest's, and room for every structure the hypervisor can ever need.
  public static func hostBytes(ramBytes: UInt64) -> UInt64 { HostLayout(guestPages: ramBytes >> 12).end }

  /// How many vCPUs the machine has.
  public var vcpuCount: Int { monitor.vcpus.count }
  /// The mode of a vCPU.
  public func mode(of vcpu: Int) -> Mode { monitor.vcpus[vcpu].mode }
  /// The table set in force on a vCPU.
  public func activeSet(of vcpu: Int) -> TableSet { monitor.vcpus[vcpu].activeSet }
  /// The EPTP of a set; the normal one's where there is no such set.
  public func eptp(of set: TableSet) -> EPTPointer {
    switch set {
    case .normal: monitor.tracing.tables.pointers.normal
    case .integrity: monitor.tracing.tables.pointers.integrity
    case .open: openView?.pointer ?? eptp(of: .normal)
    }
  }
  /// The alerts of a vCPU.
  public func alerts(of vcpu: Int) -> AlertRing { monitor.rings[vcpu] }
  /// What has happened.
  public var counters: Counters { monitor.counters }
  /// What alert actions have done to the machine.
  public var machine: MachineState { monitor.machine }
  /// How often modes have asked for the rights of the driver's own pages in the set that they share.
  package var ownPageSwitches: UInt64 { monitor.tracing.ownPageSwitches }
  /// The tree of monitored pages, for look-ups.
  public var tree: MonitorTree { monitor.tree }
  /// What GI_INIT has registered; nil before.
  public var registration: Registration? { monitor.registration }

  /// Handles a store that the EPT refused: judges it, raises the alert, and says what becomes of the store.
  ///
  /// A violation that is no write, a vCPU the machine does not have, and a store of no bytes are nobody's.
  ///
  /// - Parameters:
  ///   - store: what was to be stored, where, by which vCPU, when
  ///   - violation: what the processor reported
  ///   - fetchedFrom: where the instruction lies, if known: outside GI code it ends integrity mode first
  /// - Returns: what the page is, and whether the caller is to complete the store.
  public func handle(
    _ store: Store, violation: EPTViolation, fetchedFrom: GuestPhysicalAddress? = nil
  ) -> Verdict {
    guard violation.qualification.contains(.dataWrite), monitor.vcpus.indices.contains(store.vcpu),
      (1...64).contains(store.size)
    else {
      return Verdict(.notMine, nodesVisited: 0, otherClients: [])
    }
    if let fetchedFrom { endIfForeign(fetchedFrom, rip: store.rip, on: store.vcpu, time: store.time) }
    // Asked first: where there are none, the call costs more than the question.
    if promoted != nil { promoted?.stored(to: store.address.page) }
    return monitor.judge(store)
  }

  /// Judges a store that a device model is about to make on a device's behalf: its page is looked up as the guest's
  /// stores are, whatever the mode of any vCPU, and an untraced page is nobody's.
  public func handleDeviceStore(_ store: Store) -> Verdict {
    var store = store
    store.origin = .device
    let pages = [store.address.page] + (store.pageAfter.map { [$0] } ?? [])
    let isTraced = pages.contains { !monitor.tracing.clients(of: $0).isEmpty }
    guard monitor.vcpus.indices.contains(store.vcpu), (1...64).contains(store.size), isTraced else {
      return Verdict(.notMine, nodesVisited: 0, otherClients: [])
    }
    return monitor.judge(store)
  }

  /// Lets a suspended machine go on; false if it was not suspended, or is powered off.
  public func resume() -> Bool {
    guard monitor.machine.run == .suspended else { return false }
    monitor.machine.run = .running
    return true
  }

  /// Edits tables, and has every processor drop the translations that this has outdated, also where an edit fails.
  func settling<Failure: Error>(
    from vcpu: Int, _ edit: (inout InvalidationDebt) throws(Failure) -> Void
  ) throws(Failure) {
    try InvalidationDebt.settling({ owed, edits in settle(owed, edits, from: vcpu) }, edit)
  }

  private func settle(_ owed: Hierarchies, _ edits: Int, from vcpu: Int) {
    if edits > 0 { processors.entriesEdited(edits, by: vcpu) }
    guard !owed.isEmpty else { return }
    for other in monitor.vcpus.indices {
      var interrupted = other == vcpu
      for set in TableSet.allCases where owed.contains(number: set.rawValue) && monitor.vcpus[other].mayCache(set) {
        if !interrupted {
          processors.shootdown(of: other, from: vcpu)
          interrupted = true
        }
        processors.invept(.single(eptp(of: set)), on: other)
        monitor.vcpus[other].invalidated(set, mayLoad: configuration.reachableSets.contains(set))
      }
    }
  }

  /// Puts the set of the vCPU's mode in force.
  func switchSet(of vcpu: Int, to set: TableSet, by means: SwitchMeans) {
    monitor.vcpus[vcpu].activate(set)
    processors.loadEPTP(eptp(of: set), set: set, on: vcpu, by: means)
  }
}

/// Why a hypervisor could not be set up.
public enum HypervisorError: Error, Hashable, Sendable, CustomStringConvertible {
  /// Guest memory is empty, not in whole pages, or larger than 1 TiB.
  case guestMemorySize(UInt64)
  /// The host memory given cannot hold guest memory and the EPT paging structures.
  case hostMemorySize(found: UInt64, needed: UInt64)
  /// Not 1...256 vCPUs.
  case vcpuCount(Int)

  /// One sentence: what was found, what was expected.
  public var description: String {
    switch self {
    case .guestMemorySize(let bytes):
      "guest memory of \(bytes) bytes cannot be mapped; give a multiple of 4096, 4096 bytes to 1 TiB"
    case .hostMemorySize(let found, let needed):
      "host memory has \(found) bytes, and guest memory with its EPT paging structures needs \(needed)"
    case .vcpuCount(let count): "a machine cannot have \(count) vCPUs; give 1 to 256"
    }
  }
}

extension Hypervisor {
  /// Checks the invariants of the table sets and returns what is broken, for tests and for the doubtful; it reads every
  /// table.
  public func audit() -> [TableFinding] { monitor.tracing.tables.audit() }
}
