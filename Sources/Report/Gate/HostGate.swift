import Foundation
import Replay

/// Host ratios to another build: never absolute times, and outside the noise floor of the same run only.
struct HostGate {
  let ratios: HostRatios

  var findings: [Gate.Finding] {
    [finding("look-up", ratios.lookup), finding("violation to alert", ratios.alert)].compactMap(\.self)
  }

  /// Both ratios in a sentence.
  var sentence: String {
    func words(_ figure: String, _ ratio: HostRatio) -> String {
      "\(figure) \(Self.words(ratio)), noise \(Self.noise(ratio))"
    }
    return "Host time over \(ratios.over), \(ratios.lookup.pairs) pairs of processes: "
      + "\(words("look-up", ratios.lookup)); \(words("violation to alert", ratios.alert))."
  }

  private func finding(_ figure: String, _ ratio: HostRatio) -> Gate.Finding? {
    guard let verdict = Self.verdict(ratio) else { return nil }
    return Gate.Finding(
      strategy: ratios.strategy, figure: "\(figure), host time over \(ratios.over)",
      baseline: "noise \(Self.noise(ratio))",
      now: Self.words(ratio), verdict: verdict)
  }

  /// What follows; nil where the interval holds 1, or the median is no further from 1 than the noise floor.
  static func verdict(_ ratio: HostRatio) -> Gate.Verdict? {
    if ratio.low > 1, ratio.value > 1 + ratio.noise { return .regression }
    return ratio.high < 1 && ratio.value * (1 + ratio.noise) < 1 ? .improved : nil
  }

  /// By how much a time is another one, and the interval of that.
  private static func words(_ ratio: HostRatio) -> String {
    "\(percent(ratio.value - 1)) (\(percent(ratio.low - 1)) to \(percent(ratio.high - 1)))"
  }

  private static func noise(_ ratio: HostRatio) -> String { String(format: "%.1f %%", ratio.noise * 100) }

  private static func percent(_ share: Double) -> String { String(format: "%+.1f %%", share * 100) }
}
