import SeededRandom
import Testing

@testable import Replay

@Suite("A price with brackets")
struct PricingLinearFormTests {
  private func profile() throws -> CycleProfile {
    try #require(try ProfileLibrary.profile(named: ProfileLibrary.defaultName))
  }

  @Test("has the least and greatest sum over all corners of the box of costs", arguments: [11, 12, 13, 14] as [UInt64])
  func corners(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    let profile = try profile()
    for _ in 0..<20 {
      let chosen = CostParameter.allCases.shuffled(using: &random).prefix(8)
      var form = LinearForm()
      for cost in chosen { form[cost] = Double(Int.random(in: -1000...1000, using: &random)) }
      var least = Double.infinity
      var greatest = -Double.infinity
      for corner in 0..<(1 << chosen.count) {
        var sum = 0.0
        for (bit, name) in chosen.enumerated() {
          let cost = profile.cost(of: name)
          sum += form[name] * (corner >> bit & 1 == 0 ? cost.low : cost.high)
        }
        (least, greatest) = (min(least, sum), max(greatest, sum))
      }
      let bracket = form.priced(by: profile)
      let middle = chosen.reduce(0) { $0 + form[$1] * profile.cost(of: $1).value }
      #expect(abs(bracket.low - least) < 1e-3, "seed \(seed)")
      #expect(abs(bracket.high - greatest) < 1e-3, "seed \(seed)")
      #expect(abs(bracket.value - middle) < 1e-3, "seed \(seed)")
      #expect(bracket.low <= bracket.value && bracket.value <= bracket.high, "seed \(seed)")
    }
  }

  @Test("of a difference loses what both sides share, however uncertain its cost")
  func differencesCancel() throws {
    var a = LinearForm()
    a[.violationDispatch] = 1_000_000
    a[.stlbHit] = 5
    var b = a
    b[.stlbHit] = 7
    let profile = try profile()
    let stlb = profile.cost(of: .stlbHit)
    #expect((a - a).priced(by: profile) == Bracket(low: 0, value: 0, high: 0))
    #expect((b - a).priced(by: profile) == Bracket(low: 2 * stlb.low, value: 2 * stlb.value, high: 2 * stlb.high))
    #expect((a - b).priced(by: profile) == Bracket(low: -2 * stlb.high, value: -2 * stlb.value, high: -2 * stlb.low))
    #expect(b.priced(by: profile).low < a.priced(by: profile).high)
  }

  @Test("adds up, term by term")
  func adds() {
    var a = LinearForm()
    a[.treeNode] = 2
    var b = LinearForm()
    b[.treeNode] = 3
    b[.l1Reference] = 1
    a.add(b, times: 4)
    #expect(a[.treeNode] == 14 && a[.l1Reference] == 4 && a[.sppLookup] == 0)
  }
}
