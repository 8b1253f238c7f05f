import GuestIntegrity
import MonitorTree

/// What alert actions would have done to the guest, had it not been a recording, which goes on whatever they ask.
struct WouldHaveTally: Equatable {
  /// One action.
  struct Entry: Equatable {
    /// Stores that it was asked for.
    var stores: UInt64 = 0
    /// The first of them: its number in the recording, its vCPU, and that vCPU's instructions when it was noticed.
    let firstStore: UInt64
    let vcpu: Int
    let at: UInt64
  }

  /// By the action's bit, those that were asked for.
  private(set) var entries: [AlertActions.RawValue: Entry] = [:]

  /// Actions that change a guest or stop it; the others only tell.
  static var acting: AlertActions {
    [.blockWrite, .inject, .networkIsolate, .suspend, .snapshotThenSuspend, .powerOff]
  }

  /// Notes the actions of one notification; `time` is asked only for the first of each.
  mutating func note(
    _ verdict: Verdict, ofStore number: UInt64, on vcpu: Int, at time: () throws -> UInt64
  ) rethrows {
    let actions: AlertActions
    switch verdict.finding {
    case .alert(_, _, let asked), .corrupt(_, let asked): actions = asked.intersection(Self.acting)
    case .notMine, .ownWrite: return
    }
    var bits = actions.rawValue
    while bits != 0 {
      let bit = bits & (~bits &+ 1)
      bits &= ~bit
      if entries[bit] == nil { entries[bit] = Entry(firstStore: number, vcpu: vcpu, at: try time()) }
      entries[bit]?.stores += 1
    }
  }
}
