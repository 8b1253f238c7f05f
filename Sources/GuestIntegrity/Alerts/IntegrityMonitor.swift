import Addresses
import EPT
import MonitorTree

/// What decides about a refused store: the registered ranges, the tree, the modes of the vCPUs, and where alerts go.
///
/// What lies on the way of an alert is `mutating` even where it only looks: so it is handed over by address, and the half
/// kilobyte of this is not copied for every look.
struct IntegrityMonitor {
  let configuration: Configuration
  let memory: GuestMemory
  let tree: MonitorTree
  let rings: [AlertRing]
  /// The ends of the rings where events go in.
  let posters: [AlertPoster]
  var tracing: TracingService
  /// As whom the hypervisor itself traces pages: nobody has to be told of those.
  var ownClients = ClientSet.guestIntegrity
  var vcpus: [VirtualCPU]
  var registration: Registration?
  var counters = Counters()
  var machine = MachineState()
  /// When a window of integrity mode last ended at the driver's own wish, or the lack of one was reported.
  var lastWindow: UInt64 = 0
  /// GI_SHUTDOWN has been executed.
  var isShutDown = false

  /// What is known of one page.
  struct Status {
    var kind: PageKind?
    var region = RegionID.tree
    var actions: AlertActions = []
    var corruptNode: GuestPageNumber?
    var nodesVisited = 0
  }

  mutating func status(of page: GuestPageNumber) -> Status {
    if let registration {
      if registration.code.contains(page) { return Status(kind: .giCode, actions: configuration.ownPageActions) }
      if registration.data.contains(page) { return Status(kind: .giData, actions: configuration.ownPageActions) }
    }
    let finding = tree.find(page)
    var status = Status(nodesVisited: finding.nodesVisited)
    switch finding.answer {
    case .notMine: break
    case .protected(let segment):
      status.kind = .protected
      status.region = segment.region
      status.actions = segment.actions
    case .treePage(let treePage):
      status.kind = .tree
      status.actions = treePage.actions
    case .corrupt(let node):
      status.kind = .tree
      status.corruptNode = node
      status.actions = configuration.corruptionActions
    }
    return status
  }

  /// Whether the driver may write the page in this mode without an alert.
  private static func isOwn(_ status: Status, in mode: Mode) -> Bool {
    guard mode == .integrity, status.corruptNode == nil else { return false }
    return status.kind == .giData || status.kind == .tree
  }

  /// Decides about a store that the EPT refused, raises the alert if it is one, and says what becomes of the store.
  ///
  /// - Parameter late: the store has been performed; it can be reported, and not be blocked any more.
  mutating func judge(_ store: Store, late: Bool = false) -> Verdict {
    // A device is never the driver.
    let mode = store.origin == .device ? .normal : vcpus[store.vcpu].mode
    let page = store.address.page
    var status = status(of: page)
    var clients = tracing.clients(of: page)
    var isOwn = Self.isOwn(status, in: mode)
    var secondPageOnly = false
    if let after = store.pageAfter {
      clients.formUnion(tracing.clients(of: after))
      let second = self.status(of: after)
      let nodesVisited = status.nodesVisited + second.nodesVisited
      let secondIsOwn = Self.isOwn(second, in: mode)
      if second.kind != nil, !secondIsOwn {
        if status.kind == nil || isOwn {
          status = second
          isOwn = false
          secondPageOnly = true
        } else {
          status.actions.formUnion(second.actions)
        }
      } else if status.kind == nil, secondIsOwn {
        status = second
        isOwn = true
      }
      status.nodesVisited = nodesVisited
    }
    let others = clients.subtracting(ownClients)
    guard let kind = status.kind else {
      return Verdict(.notMine, nodesVisited: status.nodesVisited, otherClients: others)
    }
    guard !isOwn else {
      counters[.ownWrites] += 1
      return Verdict(.ownWrite(kind), nodesVisited: status.nodesVisited, otherClients: others)
    }
    var effect = machine.effect(of: status.actions)
    var flags: AlertEvent.Flags = secondPageOnly ? .secondPageOnly : []
    if late {
      effect.subtract([.blocked, .faultInjected])
      flags.insert(.late)
    }
    if effect.contains(.blocked) { flags.insert(.blocked) }
    raise(store, status, kind, mode, flags)
    machine.apply(effect, isRecorded: configuration.guestIsRecorded)
    let finding: Verdict.Finding =
      status.corruptNode.map { .corrupt(node: $0, actions: status.actions) }
      ?? .alert(kind, region: status.region, actions: status.actions)
    return Verdict(finding, effect: effect, nodesVisited: status.nodesVisited, otherClients: others)
  }

  private mutating func raise(
    _ store: Store, _ status: Status, _ kind: PageKind, _ mode: Mode, _ flags: AlertEvent.Flags
  ) {
    let cause: AlertEvent.Cause
    switch kind {
    case .protected: (cause, counters[.protectedWrites]) = (.protectedPage, counters[.protectedWrites] + 1)
    case .tree: (cause, counters[.treeWrites]) = (.treePage, counters[.treeWrites] + 1)
    case .giCode: (cause, counters[.giCodeWrites]) = (.giCode, counters[.giCodeWrites] + 1)
    case .giData: (cause, counters[.giDataWrites]) = (.giData, counters[.giDataWrites] + 1)
    }
    guard let place = place(on: store.vcpu) else { return }
    // Written where the consumer will read it.
    place.initialize(
      to: AlertEvent(
        status.corruptNode == nil ? cause : .corruptTree, vcpu: store.vcpu, mode: mode,
        set: vcpus[store.vcpu].activeSet, actions: status.actions, address: store.address, time: store.time))
    place.pointee.describe(store)
    place.pointee.region = status.region
    place.pointee.flags.formUnion(flags)
    if configuration.recordsOldBytes, !flags.contains(.late), let old = oldBytes(of: store) {
      place.pointee.oldValue = old
      place.pointee.flags.insert(.oldValue)
    }
    posters[store.vcpu].publish()
  }

  /// The first up to 16 bytes that a store would replace; nil where they are not mapped.
  private mutating func oldBytes(of store: Store) -> StoredValue? {
    let memory = tracing.tables.memory
    func load(_ address: GuestPhysicalAddress) -> StoredValue? {
      tracing.tables.frame(of: address.page).map { frame in
        let start = frame.rawValue + address.pageOffset
        return StoredValue(
          low: memory.loadUnaligned(at: start), high: store.size > 8 ? memory.loadUnaligned(at: start + 8) : 0)
      }
    }
    guard var bytes = load(store.address) else { return nil }
    let onFirstPage = store.bytesOnFirstPage
    if onFirstPage < min(store.size, 16), let after = store.pageAfter {
      guard let rest = load(after.address) else { return nil }
      bytes = bytes.prefix(onFirstPage).union(rest, shiftedBy: onFirstPage)
    }
    return bytes.prefix(store.size)
  }

  /// Raises an alert that no store caused.
  mutating func raise(
    _ cause: AlertEvent.Cause, on vcpu: Int, actions: AlertActions, address: GuestPhysicalAddress,
    rip: GuestLinearAddress? = nil, detail: Int32 = 0, time: UInt64
  ) {
    if let place = place(on: vcpu) {
      place.initialize(
        to: AlertEvent(
          cause, vcpu: vcpu, mode: vcpus[vcpu].mode, set: vcpus[vcpu].activeSet, actions: actions, address: address,
          time: time))
      place.pointee.detail = detail
      if let rip {
        place.pointee.rip = rip
        place.pointee.flags.insert(.rip)
      }
      posters[vcpu].publish()
    }
    machine.apply(machine.effect(of: actions), isRecorded: configuration.guestIsRecorded)
  }

  /// Counts an alert and finds a place for its event in the ring of a vCPU; nil if there is none, and the event is lost.
  @inline(__always)
  private mutating func place(on vcpu: Int) -> UnsafeMutablePointer<AlertEvent>? {
    counters[.alerts] += 1
    guard let place = posters[vcpu].place() else {
      counters[.eventsLost] += 1
      return nil
    }
    return place
  }

  /// A counter as GI_QUERY answers it: what has happened, and how things are now.
  func counter(_ number: Counters.Number, freePages: Int) -> UInt64 {
    switch number {
    case .freeNodePages: UInt64(freePages)
    case .protectedPages:
      UInt64(tracing.map.count { $0.contains(.protection) }) - (registration?.code.count ?? 0)
    default: counters[number]
    }
  }
}

extension FlatMemory {
  /// The eight bytes at an address of any alignment, little endian.
  fileprivate func loadUnaligned(at address: UInt64) -> UInt64 {
    let shift = (address & 7) * 8
    let low = load(HostPhysicalAddress(address & ~7)) >> shift
    return shift == 0 ? low : low | load(HostPhysicalAddress(address & ~7 + 8)) << (64 - shift)
  }
}
