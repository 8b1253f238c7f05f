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
