import Histogram

/// What was timed of a strategy's notifications in place, with its histograms.
struct InPlaceTimes {
  let figures: InPlaceFigures
  /// Distributions as HdrHistogram writes them, by end.
  let distributions: [(end: String, text: String)]

  /// Nil where nothing was raised in time.
  init?(_ timing: InPlaceTiming, delivered: Histogram<UInt64>?, nanosecondsPerTick: Double) {
    guard timing.raised.totalCount > 0 else { return nil }
    func percentiles(_ histogram: Histogram<UInt64>) -> Percentiles {
      func at(_ percentile: Double) -> Double { Double(histogram.valueAtPercentile(percentile)) * nanosecondsPerTick }
      return Percentiles(p50: at(50), p90: at(90), p99: at(99), p999: at(99.9), max: at(100))
    }
    func text(_ histogram: Histogram<UInt64>) -> String {
      var text = ""
      histogram.outputPercentileDistribution(to: &text, outputValueUnitScalingRatio: 1 / nanosecondsPerTick)
      return text
    }
    let taken = delivered.flatMap { $0.totalCount > 0 ? $0 : nil }
    figures = InPlaceFigures(
      raised: percentiles(timing.raised), delivered: taken.map(percentiles),
      timer: Double(InPlaceTiming.timer) * nanosecondsPerTick, control: timing.control)
    distributions = [("raised", text(timing.raised))] + (taken.map { [("delivered", text($0))] } ?? [])
  }
}

/// Host nanoseconds of each notification where it happened in the replay; what reading the counter takes is in them.
public struct InPlaceFigures: Codable, Equatable, Sendable {
  /// From the refused store to its alert in the ring.
  public var raised: Percentiles
  /// To the hand of a consumer that polls on a thread of its own; absent where there is one processor only.
  public var delivered: Percentiles?
  /// What two readings of the counter take with nothing in between.
  public var timer: Double
  /// The median of one of each two notifications over that of the others: what it differs by from 1 is noise.
  package var control: Double?
}

/// One distribution as HdrHistogram's plotters read it.
package struct HostDistribution: Equatable, Sendable {
  /// Name of the strategy.
  package var strategy: String
  /// `raised` or `delivered`.
  package var end: String
  /// Value in nanoseconds, percentile, count, 1/(1-percentile), a line each.
  package var text: String
}
