import Foundation
import Replay
import SeededRandom
import Testing

@testable import Report

@Suite("The gate on host ratios")
struct HostGateTests {
  /// A run's ratio: as many samples as processes, off by 1 % as measured samples are, and now and then by much more.
  private func ratio(_ truth: Double, _ random: inout SplitMix64) -> HostRatio {
    HostRatio(
      (0..<100).map { _ in
        let spread = (0..<6).reduce(0.0) { sum, _ in sum + Double.random(in: -0.007...0.007, using: &random) }
        let isDisturbed = Int.random(in: 0..<12, using: &random) == 0
        return truth * (1 + spread) * (isDisturbed ? Double.random(in: 0.9...1.6, using: &random) : 1)
      })
  }

  @Test(
    "passes at least 198 of 200 runs of the same program, and finds 3 % in nearly all",
    arguments: [7, 8, 9] as [UInt64])
  func selfTest(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    let baseline = ratio(3.1, &random)
    let same = (0..<200).count { _ in HostGate.verdict(baseline, ratio(3.1, &random)) == nil }
    let slower = (0..<200).count { _ in HostGate.verdict(baseline, ratio(3.1 * 1.03, &random)) == .regression }
    let faster = (0..<200).count { _ in HostGate.verdict(baseline, ratio(3.1 / 1.03, &random)) == .improved }
    #expect(same >= 198, "seed \(seed): \(same) of 200")
    #expect(slower >= 190, "seed \(seed): \(slower) of 200")
    #expect(faster >= 190, "seed \(seed): \(faster) of 200")
  }

  private func result(_ ratios: HostRatios?) -> RunResult {
    var result = Fixture.counted
    result.hostRatios = ratios
    return result
  }

  private func ratios(_ value: Double) -> HostRatios {
    let task = #"{"strategy": "eptp-exit", "ranges": [[1, 2]], "guestBytes": 2097152, "slowdown": 0}"#
    let samples = (0..<40).map { i in HostRatioTask.Sample(lookup: value, alert: 40 + Double(i % 2) * 0.01) }
    return HostRatios(of: try! JSONDecoder().decode(HostRatioTask.self, from: Data(task.utf8)), samples)
  }

  @Test("names the ratio that became greater or less, and says nothing where none did")
  func findings() throws {
    let baseline = result(ratios(3))
    #expect(try Gate(result(ratios(3)), against: baseline, withHost: true).findings.isEmpty)
    let slower = try Gate(result(ratios(3.2)), against: baseline, withHost: true)
    #expect(slower.findings.map(\.figure) == ["look-up over binary search, host ratio"] && slower.hasRegression)
    #expect(slower.findings[0].baseline == "3.00 (3.00 to 3.00)" && slower.findings[0].now == "3.20 (3.20 to 3.20)")
    let faster = try Gate(result(ratios(2.8)), against: baseline, withHost: true)
    #expect(faster.findings.map(\.verdict) == [.improved] && !faster.hasRegression)
    // Without being asked the gate looks at no host figure.
    #expect(try Gate(result(ratios(9)), against: baseline).findings.isEmpty)
  }

  @Test("refuses ratios of another processor, build or strategy, and where there are none")
  func unlike() throws {
    let baseline = result(ratios(3))
    for path in [\HostRatios.cpu, \.build, \.strategy] {
      var other = ratios(3)
      other[keyPath: path] = "other"
      #expect(throws: NotComparable.self) { try Gate(result(other), against: baseline, withHost: true) }
    }
    #expect(throws: NotComparable.self) { try Gate(result(nil), against: baseline, withHost: true) }
    #expect(throws: NotComparable.self) { try Gate(baseline, against: result(nil), withHost: true) }
  }
}
