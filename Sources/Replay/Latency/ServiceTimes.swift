import Foundation
import SeededRandom

/// Service times drawn one after the other, in cycles.
///
/// What is drawn is a whole number of nanoseconds before it is cycles, so that the last bits of logarithms, in which C
/// libraries differ, do not show.
struct ServiceTimes {
  private let service: Consumer.Service
  private let cyclesPerNanosecond: Double
  private let corner: Int
  private var random: SplitMix64

  init(_ service: Consumer.Service, cyclesPerNanosecond: Double, corner: Int, seed: UInt64) {
    self.service = service
    self.cyclesPerNanosecond = cyclesPerNanosecond
    self.corner = corner
    random = SplitMix64(seed: seed)
  }

  /// The next one, for an alert that finds the consumer asleep or awake.
  mutating func next(isAsleep: Bool) -> Double {
    switch service {
    case .constant(let bracket): return bracket.corners[corner] * cyclesPerNanosecond
    case .waking(_, _, let awake) where !isAsleep: return awake.corners[corner] * cyclesPerNanosecond
    case .waking(let p50, let p99, _):
      return (p50 * exp(random.normal() * log(p99 / p50) / Self.ninetyNinth)).rounded() * cyclesPerNanosecond
    }
  }

  /// Where 99 % of a normal distribution end, in standard deviations.
  private static let ninetyNinth = 2.3263478740408408
}

extension SplitMix64 {
  /// At least 0, below 1.
  mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }

  /// A normal deviate (G. E. P. Box, M. E. Muller, "A note on the generation of random normal deviates", 1958).
  mutating func normal() -> Double {
    let radius = (-2 * log(1 - unit())).squareRoot()
    return radius * cos(2 * .pi * unit())
  }

  /// An exponential deviate of mean 1.
  mutating func exponential() -> Double { -log(1 - unit()) }
}
