import Foundation
import SeededRandom
import Testing

@testable import Replay
@testable import Report

@Suite("The gate on host ratios")
struct HostGateTests {
  /// Times of two programs in turns, ours `truth` times theirs: off by 1 % as measured times are, now and then by much more,
  /// on a machine that gets slower by a half while they are taken.
  private func ratio(_ truth: Double, _ random: inout SplitMix64) -> HostRatio {
    let count = 120
    return HostRatio(
      alternating: (0..<count).map { index in
        let spread = (0..<6).reduce(0.0) { sum, _ in sum + Double.random(in: -0.007...0.007, using: &random) }
        let isDisturbed = Int.random(in: 0..<12, using: &random) == 0
        let isOurs = [1, 2].contains(index % 4)
        let drift = 1 + 0.5 * Double(index) / Double(count)
        return 6.2 * drift * (isOurs ? truth : 1) * (1 + spread)
          * (isDisturbed ? Double.random(in: 0.9...1.6, using: &random) : 1)
      })
  }

  @Test(
    "passes at least 198 of 200 runs of the same program, and finds 3 % in nearly all",
    arguments: [7, 8, 9] as [UInt64])
  func selfTest(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    let same = (0..<200).count { _ in HostGate.verdict(ratio(1, &random)) == nil }
    let slower = (0..<200).count { _ in HostGate.verdict(ratio(1.03, &random)) == .regression }
    let faster = (0..<200).count { _ in HostGate.verdict(ratio(1 / 1.03, &random)) == .improved }
    #expect(same >= 198, "seed \(seed): \(same) of 200")
    #expect(slower >= 190, "seed \(seed): \(slower) of 200")
    #expect(faster >= 190, "seed \(seed): \(faster) of 200")
  }

  @Test(
    "judges by interval and noise floor, both of them",
    arguments: [
      // low, value, high, noise
      (1.01, 1.02, 1.03, 0.03, nil), (1.01, 1.03, 1.05, 0.03, nil), (1.01, 1.031, 1.05, 0.03, .regression),
      (0.99, 1.10, 1.20, 0.01, nil), (1.00, 1.10, 1.20, 0.01, nil), (1.001, 1.10, 1.20, 0.01, .regression),
      (0.97, 0.98, 0.99, 0.03, nil), (0.95, 0.975, 0.99, 0.02, .improved), (0.80, 0.90, 1.01, 0.01, nil),
      (0.80, 0.90, 1.00, 0.01, nil), (0.80, 0.90, 0.999, 0.01, .improved), (1, 1, 1, 0, nil),
    ] as [(Double, Double, Double, Double, Gate.Verdict?)])
  func verdicts(low: Double, value: Double, high: Double, noise: Double, verdict: Gate.Verdict?) throws {
    var random = SplitMix64(seed: 1)
    var ratio = ratio(1, &random)
    (ratio.low, ratio.value, ratio.high, ratio.noise) = (low, value, high, noise)
    #expect(HostGate.verdict(ratio) == verdict)
  }

  private func result(_ lookup: Double?) throws -> RunResult {
    var result = Fixture.counted
    result.hostRatios = try lookup.map { ours in
      let task = HostRatioTask(
        strategy: .eptpExit, ranges: [try #require(.init(first: .init(1), count: 2))], guestBytes: 1 << 21)
      return HostRatios(
        of: task, over: "old/gi-bench",
        alternating: (0..<40).map { index in
          .init(build: "debug", lookup: [1, 2].contains(index % 4) ? ours : 5, alert: 40 + Double(index % 2) * 0.01)
        })
    }
    return result
  }

  @Test("names the ratio that became greater or less, and tells the ratios where none did")
  func findings() throws {
    let baseline = try result(nil)
    let same = try Gate(try result(5), against: baseline)
    #expect(same.host?.findings == [] && same.host?.ratios.lookup.value == 1)
    #expect(TextExporter().export([same.document]).contains("look-up +0.0 % (+0.0 % to +0.0 %), noise 0.0 %"))
    let slower = try Gate(try result(5.2), against: baseline)
    let finding = try #require(slower.host?.findings.first)
    #expect(finding.figure == "look-up, host time over old/gi-bench" && slower.hasRegression)
    #expect(finding.baseline == "noise 0.0 %" && finding.now == "+4.0 % (+4.0 % to +4.0 %)")
    // A baseline holds no host times, so none is to be rewritten.
    let text = TextExporter().export([slower.document])
    #expect(text.contains("Regression of host time: look-up") && !text.contains("--update") && slower.findings.isEmpty)
    let faster = try Gate(try result(4.8), against: baseline)
    #expect(faster.host?.findings.map(\.verdict) == [.improved] && !faster.hasRegression)
    // Without being asked the gate looks at no host figure.
    let unasked = try Gate(baseline, against: baseline)
    #expect(unasked.host == nil && unasked.findings.isEmpty)
  }

  @Test("are not kept in results, so that no baseline depends on a machine")
  func unsaved() throws {
    #expect(try JSONExporter.export([try result(5)]) == JSONExporter.export([try result(nil)]))
  }
}
