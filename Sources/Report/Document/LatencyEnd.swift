import Replay

/// The two ends of a notification's latency, and how long its vCPU stands still.
enum LatencyEnd: String, CaseIterable {
  /// Until the alert is in the ring.
  case raised
  /// Until it is in the consumer's hand.
  case delivered
  /// Until the vCPU goes on.
  case stall

  /// Its percentiles; nil where a strategy has none.
  func percentiles(of notifications: Notifications) -> LatencyPercentiles? {
    switch self {
    case .raised: notifications.raisedCycles
    case .delivered: notifications.deliveredCycles
    case .stall: notifications.stallCycles
    }
  }
}
