import SeededRandom
import Testing

@testable import Replay

@Suite("A verdict on the order of two strategies")
struct PairVerdictTests {
  /// Few costs with whole numbers, so that every corner can be tried.
  private static let costs: [CostParameter] = [
    .l1Reference, .stlbHit, .entryEdit, .vmcallRoundTrip, .treeNode, .refillWalk,
  ]

  private func profile(_ random: inout SplitMix64) -> CycleProfile {
    .example(
      geometry: CacheGeometry(
        l1StoreTLB: .init(entries: 4, ways: 4), stlb: .init(entries: 8, ways: 4), pdeCache: 1, pdpteCache: 1,
        pml4eCache: 1, walkLines: .init(l1: 1, l2: 1, l3: 1)),
      parameters: CostParameter.allCases.map { name in
        let low = Double(Int.random(in: 0...20, using: &random))
        let value = low + Double(Int.random(in: 0...10, using: &random))
        return .init(
          name: name, low: low, value: value, high: value + Double(Int.random(in: 0...10, using: &random)),
          tag: .assumed, source: "s")
      })
  }

  private func price(_ random: inout SplitMix64) -> StrategyPrice {
    var price = StrategyPrice(LinearForm())
    for cost in Self.costs.dropLast() {
      price.counted[cost] = Double(Int.random(in: 0...9, using: &random) - 3)
    }
    price.refill[.refillWalk] = Double(Int.random(in: 0...3, using: &random))
    return price
  }

  /// The least number of costs and structures that turn a difference, by trying every set of them: each cost in the set is
  /// at either end, all others at their values.
  private func leastMoves(_ difference: StrategyPrice, _ structures: [Structure]) -> Int? {
    var least: Int?
    for structure in structures {
      let form = difference.form(in: structure)
      for set in 0..<(1 << Self.costs.count) {
        let moves = structure.changes + set.nonzeroBitCount
        if let least, least <= moves { continue }
        for ends in 0..<(1 << Self.costs.count) where ends & ~set == 0 {
          let sum = Self.costs.enumerated().reduce(0.0) { sum, each in
            let cost = structure.profile.cost(of: each.element)
            let value = set >> each.offset & 1 == 0 ? cost.value : ends >> each.offset & 1 == 0 ? cost.low : cost.high
            return sum + form[each.element] * value
          }
          if sum <= 0 { least = min(least ?? .max, moves) }
        }
      }
    }
    return least
  }

  @Test("is what trying every set of costs and structures finds", arguments: 0..<120 as Range<UInt64>)
  func exhaustive(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    let profile = profile(&random)
    let structures = StructuralChoices(mitigations: .off).structures(on: profile)
    #expect(structures.count == 2 && structures.map(\.changes) == [0, 1])
    let box = Box(structures, points: 400, seed: seed)
    let (a, b) = (price(&random), price(&random))
    let isOrdered =
      a.form(in: structures[0]).priced(by: profile).value <= b.form(in: structures[0]).priced(by: profile).value
    let (cheap, dear) = isOrdered ? (a, b) : (b, a)
    let (x, y) = (box.values(of: cheap), box.values(of: dear))
    let share = box.share { x[$0] < y[$0] }
    let verdict = PairVerdict(
      cheaper: "a", dearer: "b", difference: dear - cheap, structures: structures, share: share)
    guard structures.contains(where: { (dear - cheap).form(in: $0) != LinearForm() }) else {
      #expect(verdict.verdict == .same)
      return
    }
    let least = leastMoves(dear - cheap, structures).map { max(1, $0) }
    #expect(verdict.together == least, "seed \(seed)")
    #expect(verdict.verdict == (least == nil ? .robust : least == 1 ? .undecided : .together), "seed \(seed)")
    if verdict.verdict == .robust { #expect(share == 1, "seed \(seed)") }
  }

  @Test("strews its points over every structure and the whole of every bracket, the same from the same seed")
  func box() {
    var random = SplitMix64(seed: 7)
    let profile = profile(&random)
    let structures = StructuralChoices().structures(on: profile)
    let (box, again) = (Box(structures), Box(structures))
    #expect(box.chosen.count == 10_000 && box.chosen == again.chosen)
    #expect(box.chosen.indices.allSatisfy { box.costs(at: $0) == again.costs(at: $0) })
    for (index, cost) in profile.parameters.enumerated() {
      let values = box.chosen.indices.map { Array(box.costs(at: $0))[index] }
      #expect(values.allSatisfy { cost.low <= $0 && $0 <= cost.high })
      // A tenth of the points lies in each tenth of the bracket, within five standard deviations.
      let lowest = values.count { $0 < cost.low + (cost.high - cost.low) / 10 }
      if cost.low < cost.high { #expect((850...1150).contains(lowest), "\(cost.name): \(lowest)") }
    }
    for structure in structures.indices {
      let expected = Double(box.chosen.count) / Double(structures.count)
      let count = Double(box.chosen.count { $0 == structure })
      #expect(abs(count - expected) < 5 * expected.squareRoot())
    }
  }
}

@Suite("Structures of the world")
struct StructureTests {
  @Test("are every choice that nobody has settled, and no flush on a processor without L1TF")
  func choices() throws {
    let skylake = try #require(try ProfileLibrary.profile(named: "skylake-sp"))
    let icelake = try #require(try ProfileLibrary.profile(named: "icelake-sp"))
    let all = try StructuralChoices(otherHypervisors: ProfileLibrary.hypervisors())
    let structures = all.structures(on: skylake)
    #expect(structures.count == 3 * 2 * 2 && structures[0].name(beside: structures[0]) == "as given")
    #expect(structures.map(\.changes).max() == 3 && structures.count { $0.changes == 0 } == 1)
    #expect(structures[0].profile.hypervisor.name == "kvm" && structures[0].refill == .simulated)
    #expect(all.structures(on: icelake).count == 3 * 2)
    let settled = StructuralChoices(refill: .full, mitigations: .on).structures(on: skylake)
    #expect(
      settled.count == 1 && settled[0].refill == .full && settled[0].mitigations == .on && settled[0].changes == 0)
  }

  @Test("price a full second-level TLB at each INVEPT, and a flush behind each emulated store")
  func prices() throws {
    let profile = try #require(try ProfileLibrary.profile(named: "skylake-sp"))
    var counts = EventCounts()
    counts[.inveptSingle] = 3
    counts[.inveptAll] = 1
    counts[.translationsInvalidated] = 100
    counts[.emulatedStores] = 7
    let price = StrategyPrice(counts, beyond: EventCounts(), geometry: profile.geometry)
    func value(_ refill: Structure.Refill, _ mitigations: Structure.Mitigations) -> Double {
      let structure = StructuralChoices(refill: refill, mitigations: mitigations).structures(on: profile)[0]
      return price.form(in: structure).priced(by: profile).value
    }
    let simulated = value(.simulated, .off)
    #expect(simulated == PriceList.price(of: counts).priced(by: profile).value)
    #expect(value(.full, .off) - simulated == 50 * (4 * 1536 - 100))
    #expect(value(.simulated, .on) - simulated == 7 * 2000)
    // More than was lost cannot be lost again.
    counts[.translationsInvalidated] = 10_000
    let little = StrategyPrice(counts, beyond: EventCounts(), geometry: profile.geometry)
    #expect(little.refill == LinearForm())
  }
}

@Suite("What an overhead rests on")
struct OverheadEvidenceTests {
  @Test("adds up to the whole, by what kind of figure each cost is")
  func shares() throws {
    var form = LinearForm()
    form[.l1Reference] = 10
    form[.vmcallRoundTrip] = 1
    form[.entryEdit] = -2
    form[.treeNode] = 5
    var costs = CostParameter.allCases.map {
      CycleProfile.Parameter(name: $0, low: 1, value: 10, high: 20, tag: .assumed, source: "s")
    }
    costs[CostParameter.vmcallRoundTrip.index].tag = .derived
    costs[CostParameter.entryEdit.index].tag = .measured
    let evidence = try #require(OverheadEvidence(of: form, costs: costs))
    let whole = 10.0 + 1 + 2 + 5
    #expect(abs(evidence.simulated - 1000 / whole) < 1e-9 && abs(evidence.published - 100 / whole) < 1e-9)
    #expect(abs(evidence.measured - 200 / whole) < 1e-9 && abs(evidence.assumed - 500 / whole) < 1e-9)
    #expect(OverheadEvidence(of: LinearForm(), costs: costs) == nil)
  }
}
