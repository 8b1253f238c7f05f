import SeededRandom
import Testing

@testable import Replay

@Suite("Percentiles of weighted values")
struct PricingPercentileTests {
  /// Nearest rank by definition: the least value with at least this share of all values at or below it.
  private func nearestRank(_ values: [Double], _ share: (Int, Int)) -> Double {
    let sorted = values.sorted()
    guard !sorted.isEmpty else { return 0 }
    for (i, value) in sorted.enumerated() where (i + 1) * share.1 >= share.0 * sorted.count { return value }
    return sorted[sorted.count - 1]
  }

  @Test("are those of the values written out one by one", arguments: [21, 22, 23, 24, 25] as [UInt64])
  func bruteForce(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    for _ in 0..<200 {
      var distribution = WeightedDistribution()
      var values: [Double] = []
      for _ in 0..<Int.random(in: 0...12, using: &random) {
        let value = Double(Int.random(in: 0...20, using: &random)) / 2
        let weight = Int.random(in: 0...300, using: &random)
        distribution.add(value, weight: UInt64(weight))
        values += Array(repeating: value, count: weight)
      }
      let percentiles = distribution.percentiles
      #expect(percentiles.p50 == nearestRank(values, (50, 100)), "seed \(seed)")
      #expect(percentiles.p90 == nearestRank(values, (90, 100)), "seed \(seed)")
      #expect(percentiles.p99 == nearestRank(values, (99, 100)), "seed \(seed)")
      #expect(percentiles.p999 == nearestRank(values, (999, 1000)), "seed \(seed)")
      #expect(percentiles.max == values.max() ?? 0, "seed \(seed)")
    }
  }

  @Test("of weights near 2^64 are exact and do not overflow")
  func huge() {
    var distribution = WeightedDistribution()
    distribution.add(2, weight: .max / 2)
    distribution.add(1, weight: .max / 2)
    distribution.add(3, weight: 1)
    #expect(distribution.percentiles == Percentiles(p50: 2, p90: 2, p99: 2, p999: 2, max: 3))
  }

  @Test("of nothing are zero")
  func empty() {
    #expect(WeightedDistribution().percentiles == Percentiles(p50: 0, p90: 0, p99: 0, p999: 0, max: 0))
  }
}
