import Addresses
import EPTTables
import MonitorTree

/// Why a snapshot was not restored; the hypervisor is as it was.
public enum RestoreError: Error, Hashable, Sendable {
  /// The snapshot is of a machine with another amount of guest memory, or another number of vCPUs.
  case otherMachine
  /// The snapshot is of a machine that switches, notices or completes by other means.
  case otherMechanism
  /// The tree in guest memory cannot be read from the base the snapshot knows: guest memory is not of the same moment, or
  /// the tree had been tampered with. Nobody could say what is to be monitored.
  case tree(TreeError)
  /// A page that the tree, or the driver's registration, has monitored is not traced: writes to it would go unseen.
  case untraced(GuestPageNumber)
  /// The hypervisor has been used already.
  case alreadyUsed
}

extension Hypervisor {
  /// Goes on where a snapshot was taken, on a hypervisor just set up over the guest memory of that moment.
  ///
  /// Every processor is told which set is in force on it; nothing of the old host's tables and caches is needed. What
  /// VMCS fields say is for ``configure(_:for:)`` to renew.
  public func restore(_ snapshot: Snapshot) throws(RestoreError) {
    guard monitor.registration == nil, base.reference.isNull, !monitor.isShutDown,
      monitor.tracing.map.isUntouched(clients: promoted == nil ? 0 : 1)
    else {
      throw .alreadyUsed
    }
    guard snapshot.pageCount == UInt64(monitor.memory.pageCount), snapshot.vcpus.count == monitor.vcpus.count,
      let traces = TraceMap(
        pages: Int(snapshot.pageCount), clients: snapshot.traceClients, runs: snapshot.traces)
    else { throw .otherMachine }
    guard snapshot.mechanism == configuration.mechanism.names else { throw .otherMechanism }
    try adoptTree(of: snapshot, traces)
    monitor.counters = snapshot.counters
    monitor.machine = snapshot.machine
    monitor.lastWindow = snapshot.lastWindow
    monitor.isShutDown = snapshot.isShutDown
    monitor.registration = snapshot.registration
    // What was found in logs before is not known any more: pages that were promoted stay so.
    if let client = promoted?.client.set {
      for run in traces.tracedRuns where run.clients.contains(client) { _ = promoted?.keep(run.range) }
    }
    monitor.vcpus = snapshot.vcpus
    rebuildTables(traces, unmapped: snapshot.unmapped)
    for vcpu in monitor.vcpus.indices {
      processors.invept(.all, on: vcpu)
      processors.holdInterrupts(monitor.vcpus[vcpu].mode == .integrity && !configuration.entersByVMFUNC, on: vcpu)
      switchSet(of: vcpu, to: monitor.vcpus[vcpu].activeSet, by: .vmcsWrite)
    }
  }

  /// Takes over the tree in guest memory, if each page it knows is traced.
  private func adoptTree(of snapshot: Snapshot, _ traces: TraceMap) throws(RestoreError) {
    base.publish(snapshot.base)
    do throws(TreeError) {
      writer = try TreeWriter(memory: monitor.memory, base: base, nodeActions: configuration.nodeActions)
    } catch {
      forgetTree()
      throw .tree(error)
    }
    guard let untraced = firstUntraced(snapshot, traces) else { return }
    forgetTree()
    throw .untraced(untraced)
  }

  /// The first page that is to be monitored and is not traced as it should be.
  private func firstUntraced(_ snapshot: Snapshot, _ traces: TraceMap) -> GuestPageNumber? {
    func untraced(_ range: PageRange, by client: ClientSet) -> GuestPageNumber? {
      traces.runs(in: range).first { !$0.after.contains(client) }?.range.first
    }
    var found: GuestPageNumber?
    if let registration = snapshot.registration {
      found = untraced(registration.code, by: .protection)
      for range in registration.ownPages { found = found ?? untraced(range, by: .ownPages) }
    }
    guard let all = PageRange(first: GuestPageNumber(0), count: snapshot.pageCount) else { return found }
    monitor.tree.forEach(in: all) { answer in
      switch answer {
      case .protected(let segment): found = found ?? untraced(segment.range, by: .protection)
      case .treePage(let page): found = found ?? untraced(PageRange(page: page.page), by: .ownPages)
      case .corrupt(let node): found = found ?? node
      case .notMine: break
      }
    }
    return found
  }

  private func rebuildTables(_ traces: TraceMap, unmapped: [PageRange]) {
    // The pool holds every table that any state needs, so that nothing here can fail.
    settling(from: 0) { debt in
      try? monitor.tracing.adopt(traces, owing: &debt)
      for range in unmapped {
        for number in range.first.rawValue...range.last.rawValue {
          try? monitor.tracing.tables.unmap(GuestPageNumber(number), owing: &debt)
          try? openView?.unmap(GuestPageNumber(number), owing: &debt)
        }
      }
    }
    if let registration = monitor.registration {
      try? setExecution(of: registration.code, true, on: 0)
      fillEPTPList(true)
      // Where modes share a set, its rights follow from the modes; the sets of vCPUs are put in force below.
      if !configuration.switching.usesTwoSets { applyMode(on: 0) }
    }
    refreshAllSubPages()
  }

  private func refreshAllSubPages() {
    if let all = PageRange(first: GuestPageNumber(0), count: UInt64(monitor.memory.pageCount)) {
      try? refreshSubPages(all, on: 0)
    }
  }

  /// The guest boots anew: nothing is registered or monitored, every vCPU is in normal mode. Traces of other clients stay.
  public func reset() {
    for vcpu in monitor.vcpus.indices { drainModificationLog(of: vcpu, time: 0) }
    forgetTree()
    for vcpu in monitor.vcpus.indices where monitor.vcpus[vcpu].mode == .integrity { returnToNormal(vcpu) }
    if let all = PageRange(first: GuestPageNumber(0), count: UInt64(monitor.memory.pageCount)) {
      forgetPromoted(all, on: 0)
      try? trace(.drop(.guestIntegrity), all, on: 0)
    }
    fillEPTPList(false)
    if let code = monitor.registration?.code { try? setExecution(of: code, false, on: 0) }
    monitor.registration = nil
    refreshAllSubPages()
    monitor.isShutDown = false
    monitor.machine = MachineState()
    monitor.counters = Counters()
    monitor.lastWindow = 0
  }

  private func forgetTree() {
    base.publish(NodeReference(rawValue: 0))
    writer = TreeWriter(emptyTreeIn: monitor.memory, base: base, nodeActions: configuration.nodeActions)
  }
}
