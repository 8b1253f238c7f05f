import GuestIntegrity
import MonitorTree

/// Alert actions that a replay counts and prices: those after which the guest goes on.
///
/// A recorded guest goes on whatever its alerts ask for; what stops one for good is told by ``WouldHave``, and costs nothing.
enum PricedActions {
  private static let all: [(action: AlertActions, event: Event)] = [
    (.count, .countActions), (.log, .logActions), (.notify, .notifyActions), (.blockWrite, .blockActions),
    (.inject, .injectActions), (.networkIsolate, .isolateActions),
  ]

  /// What actions add to the counts, each once.
  static func events(of actions: AlertActions) -> [(event: Event, count: UInt64)] {
    all.compactMap { actions.contains($0.action) ? ($0.event, 1) : nil }
  }

  /// The priced ones of a verdict's; what has been performed can be neither blocked nor replaced by a fault.
  static func of(_ verdict: Verdict, isLate: Bool = false) -> AlertActions {
    let asked: AlertActions
    switch verdict.finding {
    case .alert(_, _, let actions), .corrupt(_, let actions): asked = actions
    case .notMine, .ownWrite: return []
    }
    let priced = asked.intersection(all.reduce(into: []) { $0.formUnion($1.action) })
    return isLate ? priced.subtracting([.blockWrite, .inject]) : priced
  }
}
