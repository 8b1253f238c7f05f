/// A host time over that of a reference, both taken in one run; with what the run's own noise leaves open.
public struct HostRatio: Codable, Equatable, Sendable {
  /// Median over the samples.
  public var value: Double
  /// Lower end of the interval that holds the median with a confidence of 99.9 %.
  public var low: Double
  /// Its upper end.
  public var high: Double
  /// The noise floor, as a share: how far from 1 the same interval reaches for every other sample over the next.
  public var noise: Double
  /// Samples taken.
  public var samples: Int

  /// The ratio that samples show; intervals are order statistics, so that nothing is assumed of how they are distributed.
  public init(_ samples: [Double]) {
    (low, value, high) = Self.median(of: samples)
    let pairs = stride(from: 1, to: samples.count, by: 2).map { samples[$0 - 1] / samples[$0] }
    let same = Self.median(of: pairs)
    noise = max(same.high - 1, 1 - same.low, 0)
    self.samples = samples.count
  }

  /// The median, and the order statistics that enclose it with a confidence of 99.9 % (binomial, by its normal limit).
  private static func median(of values: [Double]) -> (low: Double, value: Double, high: Double) {
    let sorted = values.filter(\.isFinite).sorted()
    guard !sorted.isEmpty else { return (1, 1, 1) }
    let count = Double(sorted.count)
    let reach = 3.29 * count.squareRoot() / 2
    let low = Int(max(0, (count / 2 - reach).rounded(.down)))
    let high = Int(min(count - 1, (count / 2 + reach).rounded(.up)))
    return (sorted[low], sorted[sorted.count / 2], sorted[high])
  }
}

/// Host ratios of our own paths, with what they may be held against: another machine or build has others.
public struct HostRatios: Codable, Equatable, Sendable {
  /// Processor model.
  public var cpu: String
  /// `debug` or `release`.
  public var build: String
  /// The strategy whose hypervisor was timed.
  public var strategy: String
  /// Tree look-up over a binary search in the same ranges.
  public var lookup: HostRatio
  /// From a refused store to its alert taken from the ring, over the same binary search.
  public var alert: HostRatio

  /// The ratios that samples of a task show.
  public init(of task: HostRatioTask, _ samples: [HostRatioTask.Sample]) {
    cpu = HostDescription.current.cpu
    build = ToolDescription.current.build ?? ""
    strategy = task.strategy
    lookup = HostRatio(samples.map(\.lookup))
    alert = HostRatio(samples.map(\.alert))
  }
}
