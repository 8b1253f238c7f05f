import Addresses
import EPT
import MonitorTree

/// Why a snapshot was not restored; the hypervisor is as it was.
public enum RestoreError: Error, Hashable, Sendable {
  /// The snapshot is of a machine with another amount of guest memory, or another number of vCPUs.
  case otherMachine
  /// The tree in guest memory cannot be read from the base the snapshot knows: guest memory is not of the same moment.
  case tree(TreeError)
  /// The hypervisor has been used already.
  case alreadyUsed
}

extension Hypervisor {
  /// Goes on where a snapshot was taken, on a hypervisor just set up over the guest memory of that moment.
  ///
  /// Every processor is told which set is in force on it; nothing of the old host's tables is needed.
  public func restore(_ snapshot: Snapshot) throws(RestoreError) {
    guard monitor.registration == nil, base.reference.isNull, !monitor.isShutDown else { throw .alreadyUsed }
    guard snapshot.pageCount == UInt64(monitor.memory.pageCount), snapshot.vcpus.count == monitor.vcpus.count else {
      throw .otherMachine
    }
    base.publish(snapshot.base)
    do throws(TreeError) {
      writer = try TreeWriter(memory: monitor.memory, base: base, nodeActions: configuration.nodeActions)
    } catch {
      base.publish(NodeReference(rawValue: 0))
      throw .tree(error)
    }
    monitor.counters = snapshot.counters
    monitor.machine = snapshot.machine
    monitor.lastWindow = snapshot.lastWindow
    monitor.isShutDown = snapshot.isShutDown
    monitor.registration = snapshot.registration
    // The pool holds every table that any state needs, so building the tables cannot fail.
    var debt = (try? monitor.tracing.adopt(snapshot.traces)) ?? .none
    if let code = snapshot.registration?.code {
      try? setExecution(of: code, true, on: 0)
      fillEPTPList(true)
    }
    for page in snapshot.unmapped {
      debt += (try? monitor.tracing.tables.unmap(page)) ?? .none
      debt += (try? openView?.unmap(page)) ?? .none
    }
    if debt.edits > 0 { processors.entriesEdited(debt.edits) }
    for vcpu in monitor.vcpus.indices {
      monitor.vcpus[vcpu] = snapshot.vcpus[vcpu]
      processors.invept(.all, on: vcpu)
      processors.holdInterrupts(snapshot.vcpus[vcpu].mode == .integrity, on: vcpu)
      switchSet(of: vcpu, to: snapshot.vcpus[vcpu].activeSet, by: .vmcsWrite)
    }
    if configuration.switching == .toggleWriteBits, monitor.vcpus.contains(where: { $0.mode == .integrity }) {
      applyMode(on: 0)
    }
  }

  /// The guest boots anew: nothing is registered or monitored, every vCPU is in normal mode. Traces of other clients stay.
  public func reset() {
    base.publish(NodeReference(rawValue: 0))
    writer = TreeWriter(emptyTreeIn: monitor.memory, base: base, nodeActions: configuration.nodeActions)
    for vcpu in monitor.vcpus.indices where monitor.vcpus[vcpu].mode == .integrity { returnToNormal(vcpu) }
    if let all = PageRange(first: GuestPageNumber(0), count: UInt64(monitor.memory.pageCount)) {
      try? trace(.drop(.guestIntegrity), all, on: 0)
    }
    fillEPTPList(false)
    if let code = monitor.registration?.code { try? setExecution(of: code, false, on: 0) }
    monitor.registration = nil
    monitor.isShutDown = false
    monitor.machine = MachineState()
    monitor.counters = Counters()
    monitor.lastWindow = 0
  }
}
