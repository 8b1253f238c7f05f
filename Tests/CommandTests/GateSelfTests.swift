import Foundation
import Replay
import Testing

@testable import Report
@testable import gi_bench

/// The gate held against itself, on this machine: minutes, so `make gate-test` asks for it and nothing else does.
@Suite("The gate's self-test", .serialized, .enabled(if: ProcessInfo.processInfo.environment["GI_GATE_TEST"] != nil))
struct GateSelfTests {
  private static var runs: Int { ProcessInfo.processInfo.environment["GI_GATE_TEST"].flatMap(Int.init) ?? 200 }
  private static let trace = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appending(path: "traces/boot.trace").path

  private func run(_ meter: (@Sendable (HostRatioTask) throws -> HostRatios)? = nil) throws -> RunResult {
    let profile = try #require(try ProfileLibrary.profile(named: ProfileLibrary.defaultName))
    var request = ReplayRequest(
      tracePath: Self.trace, strategies: [.eptpExit], profile: profile, countersOnly: true)
    request.hostMeter = meter
    return try replay(request)
  }

  @Test("counters: every run passes, and one count or one cycle more does not")
  func counters() throws {
    let baseline = try run()
    for _ in 0..<Self.runs { #expect(try Gate(try run(), against: baseline).findings.isEmpty) }
    for event in Event.allCases {
      var changed = baseline
      changed.strategies[0].counts[event.name, default: 0] += 1
      #expect(try Gate(changed, against: baseline).findings.count == 1, "\(event)")
    }
    var dearer = baseline
    dearer.strategies[0].overheadCycles.value += 1
    #expect(try Gate(dearer, against: baseline).hasRegression)
  }

  @Test("host ratios: at least 99 of 100 runs pass, and a look-up 3 % slower does not")
  func hostRatios() throws {
    let program = Program.path
    let baseline = try run()
    /// The gate's findings where this program is held against itself, with so many look-ups more in 256.
    func findings(slowdown: Int = 0) throws -> (HostRatios, [Gate.Finding]) {
      let result = try run { try HostMeter.measure($0, by: program, over: program, slowdown: slowdown) }
      let host = try #require(try Gate(result, against: baseline).host)
      return (host.ratios, host.findings)
    }
    var passed = 0
    for number in 1...Self.runs {
      let (ratios, found) = try findings()
      passed += found.isEmpty ? 1 : 0
      if number == 1 || !found.isEmpty { print("run \(number): look-up \(ratios.lookup), alert \(ratios.alert)") }
    }
    #expect(passed * 100 >= Self.runs * 99, "\(passed) of \(Self.runs)")
    // 8 look-ups more in 256: 3.1 %.
    let tries = max(1, Self.runs / 10)
    var seen = 0
    for _ in 0..<tries {
      let (ratios, found) = try findings(slowdown: 8)
      let isSeen = found.contains { $0.figure.hasPrefix("look-up") && $0.verdict == .regression }
      seen += isSeen ? 1 : 0
      if !isSeen { print("3.1 % slower, not seen: look-up \(ratios.lookup)") }
    }
    print("passed \(passed) of \(Self.runs); a look-up 3.1 % slower seen \(seen) of \(tries) times")
    #expect(seen == tries, "\(seen) of \(tries); run it again on a quieter machine")
  }
}
