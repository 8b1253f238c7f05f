import SeededRandom
import Testing

@testable import Replay

@Suite("A budget")
struct BudgetTests {
  private let profile: CycleProfile
  private let structures: [Structure]

  init() throws {
    profile = try #require(try ProfileLibrary.profile(named: ProfileLibrary.defaultName))
    structures = StructuralChoices(refill: .simulated, mitigations: .off).structures(on: profile)
  }

  /// A price of so many tree nodes, 30 cycles each (10 to 120).
  private func nodes(_ count: Double) -> StrategyPrice {
    var form = LinearForm()
    form[.treeNode] = count
    return StrategyPrice(form)
  }

  private func region(_ name: String, nodes count: Int) -> RegionPrice {
    var shapes = ShapeCounts()
    let shape = NotificationShape(delivery: .completion, walkReferences: SIMD4(), treeNodes: 1, isAlert: false)
    for _ in 0..<count { shapes.add(shape) }
    return RegionPrice(name: name, shapes)
  }

  private func answer(_ percent: Double, cpi: Bracket, alone: Double, _ regions: [RegionPrice]) -> Budget.Answer {
    BudgetQuestion(percent: percent, cyclesPerInstruction: cpi, armedInstructions: 3_000_000, box: Box(structures))
      .answer(
        for: .eptpExit, running: regions.reduce(nodes(alone)) { $0 + $1.price }, regions: regions)
  }

  private let one = Bracket(low: 1, value: 1, high: 1)

  @Test("takes the cheapest regions while they fit, and says what each costs")
  func cheapestFirst() {
    // One per cent of three million instructions is 30 000 cycles, a thousand nodes.
    let regions = [region("dear", nodes: 900), region("cheap", nodes: 100), region("middle", nodes: 400)]
    let found = answer(1, cpi: one, alone: 200, regions)
    #expect(found.protects.map(\.name) == ["cheap", "middle"] && found.leavesOut.map(\.name) == ["dear"])
    #expect(abs(found.alone.value - 0.2) < 1e-12 && abs(found.total.value - 0.7) < 1e-12)
    #expect(abs(found.leavesOut[0].percent.value - 0.9) < 1e-12)
    #expect(abs(found.total.low - 0.7 / 3) < 1e-12 && abs(found.total.high - 2.8) < 1e-12)
    // Inside the bracket of a node it may not fit, or the third may.
    #expect(found.verdict == .undecided && found.fits > 0 && found.fits < 1)
  }

  @Test("is robust where the brackets leave no other answer")
  func robust() {
    let found = answer(1, cpi: one, alone: 1, [region("small", nodes: 100), region("huge", nodes: 100_000)])
    #expect(found.protects.map(\.name) == ["small"] && found.verdict == .robust)
    #expect(found.fits == 1 && found.oneMoreFits == 0)
    let all = answer(1, cpi: one, alone: 1, [region("small", nodes: 100)])
    #expect(all.leavesOut.isEmpty && all.verdict == .robust && all.oneMoreFits == nil)
    let none = answer(1, cpi: one, alone: 10_000, [region("small", nodes: 100)])
    #expect(none.protects.isEmpty && none.verdict == .robust && none.fits == 0)
  }

  @Test("counts what an instruction takes as a bracket")
  func instructions() {
    let regions = [region("small", nodes: 100), region("huge", nodes: 100_000)]
    #expect(answer(1, cpi: Bracket(low: 0.1, value: 1, high: 2), alone: 1, regions).verdict == .undecided)
    let slow = answer(1, cpi: Bracket(low: 2, value: 2, high: 2), alone: 1, regions)
    let fast = answer(1, cpi: one, alone: 1, regions)
    #expect(slow.total.value * 2 == fast.total.value)
  }

  @Test("never says that more fits than does, at any point", arguments: 1...30 as ClosedRange<UInt64>)
  func points(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    let regions = (0..<6).map { region("r\($0)", nodes: Int.random(in: 1...1500, using: &random)) }
    let found = answer(1, cpi: one, alone: Double(Int.random(in: 0...1200, using: &random)), regions)
    #expect(Set((found.protects + found.leavesOut).map(\.name)) == Set(regions.map(\.name)), "seed \(seed)")
    if !found.protects.isEmpty { #expect(found.total.value <= 1, "seed \(seed)") }
    let sum = found.protects.reduce(found.alone.value) { $0 + $1.percent.value }
    #expect(abs(sum - found.total.value) < 1e-9, "seed \(seed)")
    if found.verdict == .robust { #expect(found.fits == 1 || found.fits == 0, "seed \(seed)") }
    if let more = found.oneMoreFits { #expect(more <= found.fits, "seed \(seed)") }
  }
}
