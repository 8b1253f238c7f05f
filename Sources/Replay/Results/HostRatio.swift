/// A host time of this program over that of another, both taken in one run; with what the run's own noise leaves open.
package struct HostRatio: Codable, Equatable, Sendable {
  /// Median over the pairs of processes.
  package var value: Double
  /// Lower end of the interval that holds the median with a confidence of 99.9 %.
  package var low: Double
  /// Its upper end.
  package var high: Double
  /// The noise floor, as a share: how far from 1 the same interval reaches where both processes of a pair were the same program.
  package var noise: Double
  /// Pairs of processes.
  package var pairs: Int

  /// The ratio that times show, taken in turns: theirs, ours, ours, theirs, and so on.
  ///
  /// Processes 0 and 1, 2 and 3 ... are pairs of both programs, and 1 and 2, 3 and 4 ... of the same: one as close in time as
  /// the other. Intervals are order statistics, so that nothing is assumed of how times are distributed.
  init(alternating times: [Double]) {
    func ratio(_ subject: Int, over reference: Int) -> Double { times[subject] / times[reference] }
    let pairs = stride(from: 1, to: times.count, by: 2).map { later in
      later % 4 == 1 ? ratio(later, over: later - 1) : ratio(later - 1, over: later)
    }
    let same = stride(from: 2, to: times.count, by: 2).map { later in ratio(later, over: later - 1) }
    (low, value, high) = Self.median(of: pairs)
    let floor = Self.median(of: same)
    noise = max(floor.high - 1, 1 - floor.low, 0)
    self.pairs = pairs.count
  }

  /// The median, and the order statistics that enclose it with a confidence of 99.9 % (binomial, by its normal limit).
  private static func median(of values: [Double]) -> (low: Double, value: Double, high: Double) {
    let sorted = values.filter(\.isFinite).sorted()
    guard !sorted.isEmpty else { return (1, 1, 1) }
    let count = Double(sorted.count)
    let reach = 3.29 * count.squareRoot() / 2
    let low = Int(max(0, (count / 2 - reach).rounded(.down)))
    let high = Int(min(count - 1, (count / 2 + reach).rounded(.up)))
    return (sorted[low], (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2, sorted[high])
  }
}

/// Host ratios of our own paths: this program over another build of it, in one run.
package struct HostRatios: Codable, Equatable, Sendable {
  /// The other program, as it was named.
  package var over: String
  /// The strategy whose hypervisor was timed.
  package var strategy: String
  /// Tree look-up.
  package var lookup: HostRatio
  /// From a refused store to its alert taken from the ring.
  package var alert: HostRatio
}
