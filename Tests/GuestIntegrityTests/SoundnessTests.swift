import GuestIntegrity
import Replay
import ScriptedGuest
import Testing

/// What strategies say of themselves, held against what comes of the attacks.
@Suite("The soundness a strategy claims")
struct SoundnessTests {
  /// Attacks that go unnoticed whatever the strategy, as they change nothing the driver has had protected.
  static let beyondAnyStrategy: Set = ["A14"]

  @Test(
    "is what the attacks show: none goes unnoticed or late, or those that the reason names do",
    arguments: Strategy.all.map(\.name))
  func agreesWithAttacks(name: String) throws {
    let strategy = try #require(Strategy.named(name))
    let unnoticed = Set(
      try Attack.all.filter {
        try [.missed, .late].contains($0.run(under: strategy.mechanism).kind)
      }.map(\.id)
    ).subtracting(Self.beyondAnyStrategy)
    let named = strategy.sound.reason.matches(of: /A[0-9]+[a-z]?/).map { String($0.output) }
    if strategy.sound.value {
      #expect(unnoticed == [], "\(name) says it is sound")
      #expect(named == [])
    } else {
      #expect(!named.isEmpty, "\(name) names no attack: \(strategy.sound.reason)")
      #expect(unnoticed.isSuperset(of: named), "\(name) misses \(unnoticed.sorted()), and names \(named)")
    }
  }

  @Test("is shared by no strategy beyond what its means can do: those that never exit to enter are open to A9")
  func entryWithoutExit() throws {
    let attack = try #require(Attack.all.first { $0.id == "A9" })
    for strategy in Strategy.all {
      let missed = try attack.run(under: strategy.mechanism).kind == .missed
      #expect(missed == (strategy.mechanism.switching == .eptpByVMFUNC), "\(strategy.name)")
    }
  }
}
