import Addresses
import MonitorTree

/// Everything a hypervisor knows that is not in guest memory, apart from the tables themselves: what is needed to go on
/// elsewhere, or later, with the same guest memory.
///
/// Tables are not saved: they follow from the traces. Guest memory is the caller's to save at the same moment, each page
/// from wherever it lies (``Hypervisor/frame(of:)``). Alerts that have not been taken from their rings stay in them.
public struct Snapshot: Hashable, Sendable {
  var mechanism: MechanismNames
  /// The table sets that there are.
  var sets: [TableSet]
  var pageCount: UInt64
  var vcpus: [VirtualCPU]
  var registration: Registration?
  var counters: Counters
  var machine: MachineState
  var lastWindow: UInt64
  var isShutDown: Bool
  var base: NodeReference
  /// How many counted clients of the tracing service there are.
  var traceClients: Int
  var traces: [TraceRun]
  var unmapped: [PageRange]
}

extension Hypervisor {
  /// Saves the state of the hypervisor, between two instructions of each vCPU.
  ///
  /// Page-modification logs are drained first: what they hold is judged here and not lost.
  public func snapshot(time: UInt64 = 0) -> Snapshot {
    for vcpu in monitor.vcpus.indices { drainModificationLog(of: vcpu, time: time) }
    let map = monitor.tracing.map
    return Snapshot(
      mechanism: configuration.mechanism.names, sets: configuration.mechanism.sets, pageCount: UInt64(map.pageCount),
      vcpus: monitor.vcpus.map(\.withEmptyCaches), registration: monitor.registration, counters: monitor.counters,
      machine: monitor.machine, lastWindow: monitor.lastWindow, isShutDown: monitor.isShutDown, base: base.reference,
      traceClients: map.countedClients, traces: map.tracedRuns, unmapped: unmappedRuns)
  }

  private var unmappedRuns: [PageRange] {
    var runs: [PageRange] = []
    for number in 0..<UInt64(monitor.memory.pageCount) where frame(of: GuestPageNumber(number)) == nil {
      if let last = runs.last, last.last.rawValue + 1 == number,
        let longer = PageRange(first: last.first, count: last.count + 1)
      {
        runs[runs.count - 1] = longer
      } else {
        runs.append(PageRange(page: GuestPageNumber(number)))
      }
    }
    return runs
  }
}
