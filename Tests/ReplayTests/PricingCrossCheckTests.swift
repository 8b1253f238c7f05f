import Testing

@testable import Replay

@Suite("The cross-check of notified sets")
struct PricingCrossCheckTests {
  private func result(_ name: String, sound: Bool, _ count: UInt64, _ digest: String) -> StrategyResult {
    let none = Percentiles(p50: 0, p90: 0, p99: 0, p999: 0, max: 0)
    let zero = Bracket(low: 0, value: 0, high: 0)
    return StrategyResult(
      name: name, sound: Soundness(value: sound, reason: "because"), counts: [:], overheadCycles: zero,
      guestStallCycles: zero,
      notifications: Notifications(
        count: count, byKind: .init(protected: count, tree: 0, giCode: 0, giData: 0), falseShare: 0,
        latencyCycles: none,
        stages: [:], late: nil, setDigest: digest),
      switches: 0, host: nil)
  }

  @Test("agrees where all sets are equal, and where there is nothing to compare")
  func equal() {
    let check = CrossCheck([result("a", sound: true, 3, "x"), result("b", sound: false, 3, "x")])
    #expect(check.agree && check.differences.isEmpty)
    #expect(CrossCheck([]).agree)
  }

  @Test("fails where two sound strategies differ, even in a set of equal size")
  func differ() {
    let check = CrossCheck([result("a", sound: true, 3, "x"), result("b", sound: true, 3, "y")])
    #expect(!check.agree && check.differences == ["b notified 3 stores, a 3: not the same set"])
  }

  @Test("tells what an unsound strategy missed without failing, wherever it stands in the order")
  func unsound() {
    let check = CrossCheck([
      result("t", sound: false, 2, "y"), result("a", sound: true, 3, "x"), result("b", sound: true, 3, "x"),
    ])
    #expect(check.agree)
    #expect(check.differences == ["t notified 2 stores, a 3: not the same set"])
  }
}
