import Foundation
import Testing

@testable import EPT

/// The seed of this run: from the environment if a failure is to be repeated, else a new one.
private let runSeed: UInt64 =
  ProcessInfo.processInfo.environment["EPT_SEED"].flatMap { UInt64($0) } ?? UInt64.random(in: 0..<(1 << 32))

@Suite("The machine against a slow model")
struct AgainstSlowModelTests {
  @Test("answers 240 000 random queries over random tables word for word alike", arguments: [0, 1] as [UInt64])
  func randomQueries(part: UInt64) {
    print("EPT_SEED=\(runSeed), part \(part)")
    var scenario = RandomScenario(seed: runSeed &* 2 &+ part)
    var complaints: [String] = []
    while scenario.queries < 120_000 && complaints.count < 3 {
      scenario.configure()
      if let complaint = scenario.run(queries: 24) { complaints.append(complaint) }
    }
    for complaint in complaints { Issue.record("EPT_SEED=\(runSeed): \(complaint)") }
    print("queries \(scenario.queries), answers \(scenario.answers.sorted { $0.key < $1.key })")
    for kind in ["OK", "VIOL", "MISC", "SPP", "PMLFULL", "VE", "PF", "VMFUNCEXIT", "UD"] {
      #expect(scenario.answers[kind, default: 0] > 100, "too few \(kind) for the comparison to mean much")
    }
  }
}
