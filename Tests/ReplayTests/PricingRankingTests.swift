import Testing

@testable import Replay

@Suite("A ranking")
struct PricingRankingTests {
  /// A profile in which one cost has this bracket and another that one.
  private func pricing(_ first: Bracket, _ second: Bracket) throws -> (Pricing, CostParameter, CostParameter) {
    var profile = try #require(try ProfileLibrary.profile(named: ProfileLibrary.defaultName))
    let (a, b) = (profile.parameters[0].name, profile.parameters[1].name)
    for (index, bracket) in [first, second].enumerated() {
      profile.parameters[index].low = bracket.low
      profile.parameters[index].value = bracket.value
      profile.parameters[index].high = bracket.high
    }
    return (Pricing(profile: profile, dimensions: .one), a, b)
  }

  private func form(_ counts: (CostParameter, Double)...) -> LinearForm {
    counts.reduce(into: LinearForm()) { $0[$1.0] = $1.1 }
  }

  @Test("is called robust where the whole brackets are apart, and not by their middle values")
  func brackets() throws {
    // 100 (90 to 110) against 105 (95 to 115): the middles order them, the brackets do not.
    let (near, a, b) = try pricing(Bracket(low: 90, value: 100, high: 110), Bracket(low: 95, value: 105, high: 115))
    let overlapping = near.ranking(of: [.filter, .eptpExit], [form((b, 1)), form((a, 1))])
    #expect(overlapping.order == ["eptp-exit", "filter"] && overlapping.robust == [false])
    let (far, c, d) = try pricing(Bracket(low: 90, value: 100, high: 110), Bracket(low: 111, value: 120, high: 130))
    let apart = far.ranking(of: [.filter, .eptpExit], [form((d, 1)), form((c, 1))])
    #expect(apart.order == ["eptp-exit", "filter"] && apart.robust == [true])
    // Brackets that touch: at one corner both cost the same.
    let (touching, e, f) = try pricing(
      Bracket(low: 90, value: 100, high: 110), Bracket(low: 110, value: 120, high: 130))
    #expect(touching.ranking(of: [.filter, .eptpExit], [form((f, 1)), form((e, 1))]).robust == [false])
  }

  @Test("lets what two strategies share cancel, however wide its bracket")
  func shared() throws {
    let (pricing, a, b) = try pricing(Bracket(low: 1, value: 1000, high: 9000), Bracket(low: 1, value: 2, high: 3))
    let ranking = pricing.ranking(
      of: [.filter, .eptpExit, .vmfunc], [form((a, 5)), form((a, 5), (b, 1)), form((a, 6), (b, 1))])
    #expect(ranking.order == ["filter", "eptp-exit", "vmfunc"] && ranking.robust == [true, true])
  }

  @Test("judges every neighbouring pair by itself")
  func pairs() throws {
    let (pricing, a, b) = try pricing(Bracket(low: 9, value: 10, high: 11), Bracket(low: 1, value: 10, high: 100))
    let ranking = pricing.ranking(
      of: [.filter, .eptpExit, .vmfunc, .pml], [form((a, 1)), form((a, 2)), form((a, 2), (b, 1)), form((b, 4))])
    #expect(ranking.order == ["filter", "eptp-exit", "vmfunc", "pml"])
    #expect(ranking.robust == [true, true, false])
  }
}
