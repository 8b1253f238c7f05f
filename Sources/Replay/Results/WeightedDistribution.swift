/// Values with multiplicities: exact percentiles of millions of notifications from a few dozen distinct prices.
struct WeightedDistribution {
  private var weights: [(value: Double, weight: UInt64)] = []

  mutating func add(_ value: Double, weight: UInt64) {
    if weight > 0 { weights.append((value, weight)) }
  }

  /// Percentiles by nearest rank; all zero when the distribution is empty.
  var percentiles: Percentiles {
    let sorted = weights.sorted { $0.value < $1.value }
    let total = sorted.reduce(0) { $0 + $1.weight }
    func rank(_ numerator: UInt64, of denominator: UInt64) -> Double {
      guard total > 0 else { return 0 }
      let (quotient, remainder) = total.quotientAndRemainder(dividingBy: denominator)
      let target = max(1, quotient * numerator + (remainder * numerator + denominator - 1) / denominator)
      var seen: UInt64 = 0
      for (value, weight) in sorted {
        seen += weight
        if seen >= target { return value }
      }
      return sorted.last!.value
    }
    return Percentiles(
      p50: rank(50, of: 100), p90: rank(90, of: 100), p99: rank(99, of: 100), p999: rank(999, of: 1000),
      max: sorted.last?.value ?? 0)
  }
}
