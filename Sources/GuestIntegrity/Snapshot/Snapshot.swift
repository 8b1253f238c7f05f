import Addresses
import MonitorTree

/// Everything a hypervisor knows that is not in guest memory, apart from the tables themselves: what is needed to go on
/// elsewhere, or later, with the same guest memory.
///
/// Tables are not saved: they follow from the traces and the frames. A snapshot does not hold alerts that have not been
/// taken from their rings, and pages that were moved must have been moved back.
public struct Snapshot: Hashable, Sendable {
  var pageCount: UInt64
  var vcpus: [VirtualCPU]
  var registration: Registration?
  var counters: Counters
  var machine: MachineState
  var lastWindow: UInt64
  var isShutDown: Bool
  var base: NodeReference
  var traces: TraceMap
  var unmapped: [GuestPageNumber]
}

extension Hypervisor {
  /// Saves the state of the hypervisor; guest memory is the caller's to save at the same moment.
  public func snapshot() -> Snapshot {
    let pages = UInt64(monitor.memory.pageCount)
    return Snapshot(
      pageCount: pages, vcpus: monitor.vcpus, registration: monitor.registration, counters: monitor.counters,
      machine: monitor.machine, lastWindow: monitor.lastWindow, isShutDown: monitor.isShutDown, base: base.reference,
      traces: monitor.tracing.map,
      unmapped: (0..<pages).lazy.map { GuestPageNumber($0) }.filter { self.monitor.tracing.tables.frame(of: $0) == nil }
    )
  }
}
