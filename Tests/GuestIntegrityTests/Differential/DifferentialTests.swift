import Foundation
import GuestIntegrity
import Testing

/// The seed of this run, and how many steps it makes in all: from the environment (`make differential STEPS=1000000`), else few of a new seed.
private let environment = ProcessInfo.processInfo.environment
private let runSeed = environment["GI_SEED"].flatMap { UInt64($0) } ?? UInt64.random(in: 0..<(1 << 32))
private let steps = environment["GI_STEPS"].flatMap { Int($0) } ?? 40_000

@Suite("The whole machine against a reference without EPT, caches and tree")
struct DifferentialTests {
  /// Those under which every refused store is judged before its effect, and integrity mode is entered by hypercall.
  static let mechanisms: [Mechanism] = [
    .init(switching: .eptpByExit), .init(switching: .filterByMode),
    .init(switching: .eptpByExit, completion: .singleStep),
    .init(switching: .eptpByExit, noticing: .subPagePermissions),
    .init(switching: .eptpByExit, noticing: .virtualizationException),
  ]

  @Test("does, sees and tells the same, step by step", arguments: mechanisms)
  func agrees(mechanism: Mechanism) throws {
    let share = steps / Self.mechanisms.count
    var program = try RandomProgram(mechanism, seed: runSeed)
    for step in 0..<share {
      if let complaint = program.step() {
        Issue.record("GI_SEED=\(runSeed), \(mechanism.testDescription), step \(step): \(complaint)")
        return
      }
    }
    if let complaint = program.memoryComplaint() {
      Issue.record("GI_SEED=\(runSeed), \(mechanism.testDescription), after \(share) steps: \(complaint)")
    }
    #expect(program.machine.staleTranslations.isEmpty, "GI_SEED=\(runSeed)")
    #expect(program.machine.hypervisor.audit() == [], "GI_SEED=\(runSeed)")
    print(
      "differential, \(mechanism.testDescription), GI_SEED=\(runSeed): \(share) steps, \(program.tally.sorted { $0.key < $1.key })"
    )
    // What it must have met to mean anything.
    for kind in ["alert protectedPage", "alert giData", "alert giCode", "alert treePage", "alert hypercall", "moves"] {
      #expect(program.tally[kind, default: 0] > share / 1000, "too few: \(kind)")
    }
  }
}
