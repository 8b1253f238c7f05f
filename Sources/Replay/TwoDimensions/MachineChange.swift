import Addresses
import GuestIntegrity
import WriteTrace

/// A recorded event between stores that changes how later stores translate.
enum MachineChange {
  /// A hypercall, on a vCPU.
  case hypercall(Hypercall, Int)
  /// A load of CR3, in two dimensions.
  case cr3(TraceEvent.CR3Load)
  /// A mapping of the guest's tables, with the key of its first page, in two dimensions.
  case map(TraceEvent.LinearMapping, UInt32)
  /// None.
  case nothing

  /// A recorded event; a mapping is taken in by `linear`, which numbers linear pages.
  init(_ event: TraceEvent, _ linear: inout LinearRuns?) throws(ReplayError) {
    switch event {
    case .hypercall(let recorded): self = .hypercall(Hypercall(recorded), recorded.vcpu)
    case .cr3(let load): self = .cr3(load)
    case .map(let mapping):
      guard let key = try linear?.note(mapping) else {
        self = .nothing
        return
      }
      self = .map(mapping, key)
    case .mark: self = .nothing
    }
  }

  /// Pages that may be monitored from now on.
  var namedPages: [PageRange] { if case .hypercall(let call, _) = self { call.namedPages } else { [] } }
}

extension Dimensions {
  /// Whether an event changes how later stores translate.
  func concern(_ event: TraceEvent) -> Bool {
    switch event {
    case .hypercall: true
    case .cr3, .map: self == .two
    case .mark: false
    }
  }

  /// The columns that every block is read with.
  var columns: TraceColumns { self == .two ? [.runs, .events, .linearPages] : [.runs, .events] }
}

extension StrategyReplay {
  /// Has the machine change.
  func apply(_ change: MachineChange) {
    switch change {
    case .hypercall(let call, let vcpu): execute(call, on: vcpu)
    case .cr3(let load): loadCR3(load.value, on: load.vcpu)
    case .map(let mapping, let key): map(mapping, key: key)
    case .nothing: break
    }
  }
}
