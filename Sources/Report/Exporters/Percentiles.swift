import Replay

extension Percentiles {
  /// Every percentile under its JSON name.
  static let named: [(name: String, path: WritableKeyPath<Percentiles, Double> & Sendable)] = [
    ("p50", \.p50), ("p90", \.p90), ("p99", \.p99), ("p999", \.p999), ("max", \.max),
  ]
}

extension LatencyPercentiles {
  /// Every percentile under its JSON name.
  static let named: [(name: String, path: WritableKeyPath<LatencyPercentiles, Bracket> & Sendable)] = [
    ("p50", \.p50), ("p90", \.p90), ("p99", \.p99), ("p999", \.p999), ("max", \.max),
  ]
}

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
