import Foundation
import Testing

@testable import EPT

/// The seed of this run: from the environment if a failure is to be repeated, else a new one.
private let runSeed: UInt64 =
  ProcessInfo.processInfo.environment["EPT_SEED"].flatMap { UInt64($0) } ?? UInt64.random(in: 0..<(1 << 32))

@Suite("The machine against a slow model")
struct AgainstSlowModelTests {
  /// Queries in each of the guest's paging modes.
  private static let queriesAMode = 120_000

  @Test(
    "answers 600 000 random queries over random tables word for word alike", arguments: ["off", "32", "pae", "4", "5"])
  func randomQueries(mode: String) {
    let seed = runSeed &* 8 &+ UInt64(mode.utf8.reduce(0) { ($0 * 7 + Int($1)) % 8 })
    print("EPT_SEED=\(runSeed), guest paging \(mode)")
    var scenario = RandomScenario(seed: seed, mode: mode)
    var complaints: [String] = []
    while scenario.queries < Self.queriesAMode && complaints.count < 3 {
      scenario.configure()
      if let complaint = scenario.run(queries: 24) { complaints.append(complaint) }
    }
    for complaint in complaints { Issue.record("EPT_SEED=\(runSeed): \(complaint)") }
    print("mode \(mode): \(scenario.queries) queries, answers \(scenario.answers.sorted { $0.key < $1.key })")
    var kinds = ["OK", "VIOL", "MISC", "SPP", "PMLFULL", "VE", "VMFUNCEXIT", "UD"]
    if mode != "off" { kinds.append("PF") }
    if mode == "4" || mode == "5" { kinds += ["GP", "SS"] }
    if mode == "pae" { kinds.append("GP") }
    for kind in kinds {
      #expect(scenario.answers[kind, default: 0] > 100, "too few \(kind) for the comparison to mean much")
    }
  }
}
