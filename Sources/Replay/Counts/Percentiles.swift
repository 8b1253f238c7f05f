/// Percentiles of a distribution, nearest rank.
public struct Percentiles: Codable, Equatable, Sendable {
  /// Median.
  public var p50: Double
  /// 90th percentile.
  public var p90: Double
  /// 99th percentile.
  public var p99: Double
  /// 99.9th percentile.
  public var p999: Double
  /// Greatest.
  public var max: Double
}
