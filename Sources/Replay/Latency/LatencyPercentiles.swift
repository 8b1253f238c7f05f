/// Percentiles of a latency, nearest rank, three significant digits; each with what the corners enclose.
public struct LatencyPercentiles: Codable, Equatable, Sendable {
  /// Median.
  public var p50: Bracket
  /// 90th percentile.
  public var p90: Bracket
  /// 99th percentile.
  public var p99: Bracket
  /// 99.9th percentile.
  public var p999: Bracket
  /// Greatest.
  public var max: Bracket

  /// Percentiles from their brackets.
  public init(p50: Bracket, p90: Bracket, p99: Bracket, p999: Bracket, max: Bracket) {
    (self.p50, self.p90, self.p99, self.p999, self.max) = (p50, p90, p99, p999, max)
  }
}

/// A distribution of cycles at each corner, of constant memory.
struct CornerHistograms {
  private var histograms = Array(repeating: CycleHistogram(), count: 3)
  private static let limit = 0x1p52
  private static let named = [50, 90, 99, 99.9, 100]

  mutating func record(_ cycles: Double, at corner: Int) {
    histograms[corner].record(UInt64(min(max(cycles, 0), Self.limit).rounded()))
  }

  mutating func record(_ cycles: AtCorners) {
    for corner in 0..<3 { record(cycles[corner], at: corner) }
  }

  /// How many values the middle corner has.
  var count: UInt64 { histograms[1].total }

  /// The values of the middle corner, each with how often it was recorded.
  var middleValues: [(value: UInt64, count: UInt64)] { histograms[1].recorded }

  /// One percentile; nil where nothing was recorded, at the middle corner at least.
  func bracket(at percentile: Double) -> Bracket? { brackets(at: [percentile])?[0] }

  /// Nil where nothing was recorded, at the middle corner at least.
  var percentiles: LatencyPercentiles? {
    brackets(at: Self.named).map {
      LatencyPercentiles(p50: $0[0], p90: $0[1], p99: $0[2], p999: $0[3], max: $0[4])
    }
  }

  /// The middle corner alone.
  var middle: Percentiles? {
    values(at: 1, Self.named).map { Percentiles(p50: $0[0], p90: $0[1], p99: $0[2], p999: $0[3], max: $0[4]) }
  }

  private func brackets(at percentiles: [Double]) -> [Bracket]? {
    guard let middle = values(at: 1, percentiles) else { return nil }
    // A corner at which nothing was recorded (every alert was lost) tells nothing, and bounds nothing.
    let (low, high) = (values(at: 0, percentiles) ?? middle, values(at: 2, percentiles) ?? middle)
    return middle.indices.map { Bracket(enclosing: AtCorners(low[$0], middle[$0], high[$0])) }
  }

  private func values(at corner: Int, _ percentiles: [Double]) -> [Double]? {
    histograms[corner].total > 0 ? histograms[corner].values(at: percentiles).map { Double($0) } : nil
  }
}
