import Histogram

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
  private var histograms: [Histogram<UInt64>]
  private static let limit = 0x1p52

  init() { histograms = (0..<3).map { _ in Histogram(numberOfSignificantValueDigits: .three) } }

  mutating func record(_ cycles: Double, at corner: Int) {
    histograms[corner].record(UInt64(min(max(cycles, 0), Self.limit).rounded()))
  }

  mutating func record(_ cycles: AtCorners, count: UInt64 = 1) {
    for corner in 0..<3 {
      histograms[corner].record(UInt64(min(max(cycles[corner], 0), Self.limit).rounded()), count: count)
    }
  }

  /// How many values the middle corner has.
  var count: UInt64 { histograms[1].totalCount }

  /// The values of the middle corner, each with how often it was recorded.
  var middleValues: some Sequence<(value: UInt64, count: UInt64)> {
    histograms[1].recordedValues().lazy.map { (value: $0.value, count: $0.count) }
  }

  /// One percentile; nil where nothing was recorded, at the middle corner at least.
  func bracket(at percentile: Double) -> Bracket? {
    count > 0 ? bracket { Double($0.valueAtPercentile(percentile)) } : nil
  }

  /// Nil where nothing was recorded, at the middle corner at least.
  var percentiles: LatencyPercentiles? {
    guard count > 0 else { return nil }
    func at(_ percentile: Double) -> Bracket {
      bracket { Double($0.valueAtPercentile(percentile)) }
    }
    return LatencyPercentiles(p50: at(50), p90: at(90), p99: at(99), p999: at(99.9), max: at(100))
  }

  /// The middle corner alone.
  var middle: Percentiles? {
    percentiles.map {
      Percentiles(p50: $0.p50.value, p90: $0.p90.value, p99: $0.p99.value, p999: $0.p999.value, max: $0.max.value)
    }
  }

  /// A corner at which nothing was recorded (every alert was lost) tells nothing, and bounds nothing.
  private func bracket(_ figure: (Histogram<UInt64>) -> Double) -> Bracket {
    let value = figure(histograms[1])
    let figures = histograms.map { $0.totalCount > 0 ? figure($0) : value }
    return Bracket(enclosing: AtCorners(figures[0], value, figures[2]))
  }
}
