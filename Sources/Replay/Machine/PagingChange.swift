import Addresses
import Recordings

/// A recorded event that changes how linear pages translate, in two dimensions.
enum PagingChange {
  /// A load of CR3.
  case cr3(RecordedEvent.CR3Load)
  /// A mapping of the guest's tables, with the key of its first page.
  case map(RecordedEvent.LinearMapping, UInt32)
  /// A change of CR0, CR4 or EFER.
  case control(RecordedEvent.ControlChange)

  /// A recorded event, nil for one that changes nothing; a mapping is taken in by `linear`, which numbers linear pages.
  init?(_ event: RecordedEvent, _ linear: inout LinearRuns?) throws(ReplayError) {
    switch event {
    case .cr3(let load): self = .cr3(load)
    case .map(let mapping):
      guard let key = try linear?.note(mapping) else { return nil }
      self = .map(mapping, key)
    case .control(let change): self = .control(change)
    case .hypercall, .mark, .halt: return nil
    }
  }
}

extension Dimensions {
  /// Whether an event changes how linear pages translate, and these dimensions have them.
  func concern(_ event: RecordedEvent) -> Bool {
    switch event {
    case .cr3, .map, .control: self == .two
    case .hypercall, .mark, .halt: false
    }
  }

  /// The columns that every block is read with.
  var columns: RecordingColumns { self == .two ? [.runs, .events, .linearPages] : [.runs, .events] }
}

extension StrategyReplay {
  /// Has the guest's translations change.
  func apply(_ change: PagingChange) {
    switch change {
    case .cr3(let load): loadCR3(load.value, on: load.vcpu)
    case .map(let mapping, let key): map(mapping, key: key)
    case .control(let change): control(change)
    }
  }
}
