import Foundation
import SeededRandom

/// Draws of recordings with replacement, within each workload that several are of: how far a mean over recordings would spread
/// if others had been made (B. Efron, "Bootstrap Methods: Another Look at the Jackknife", 1979).
struct Resamples {
  /// How many draws, and the seed that they come from.
  static let count = 2000
  static let seed: UInt64 = 15

  /// By draw and group, the members drawn.
  private let draws: [[[Int]]]

  /// Draws from groups of these sizes.
  init(ofGroups sizes: [Int]) {
    var random = SplitMix64(seed: Self.seed)
    draws = (0..<Self.count).map { _ in
      sizes.map { size in (0..<size).map { _ in Int.random(in: 0..<size, using: &random) } }
    }
  }

  /// Where the middle 95 per cent of the geometric means lie: over groups, of those over their members, whose logarithms are given.
  func interval(of logarithms: [[Double]]) -> (low: Double, high: Double) {
    let means = draws.map { draw in
      zip(draw, logarithms).reduce(0) { sum, group in
        sum + group.0.reduce(0) { $0 + group.1[$1] } / Double(group.0.count)
      } / Double(logarithms.count)
    }.sorted()
    return (exp(means[means.count / 40]), exp(means[means.count - 1 - means.count / 40]))
  }

  /// The geometric mean itself.
  static func mean(of logarithms: [[Double]]) -> Double {
    exp(logarithms.reduce(0) { $0 + $1.reduce(0, +) / Double($1.count) } / Double(logarithms.count))
  }
}
