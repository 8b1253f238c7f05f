import SeededRandom
import Testing

@testable import Replay

@Suite("What would change the order of two strategies")
struct SensitivityTests {
  private let profile = CycleProfile.example(
    geometry: CacheGeometry(
      l1StoreTLB: .init(entries: 4, ways: 4), stlb: .init(entries: 8, ways: 4), pdeCache: 5, pdpteCache: 0,
      pml4eCache: 1,
      walkLines: .init(l1: 4, l2: 8, l3: 16)),
    parameters: CostParameter.allCases.enumerated().map { i, name in
      .init(
        name: name, low: Double(10 + i), value: Double(20 + i), high: Double(40 + i), tag: .assumed, source: "s")
    })

  private func form(_ random: inout SplitMix64) -> LinearForm {
    var form = LinearForm()
    for parameter in CostParameter.allCases where Int.random(in: 0..<3, using: &random) == 0 {
      form[parameter] = Double(Int.random(in: 0...1000, using: &random))
    }
    return form
  }

  @Test("at the value it states, and nowhere before, the two cost the same", arguments: 0..<50 as Range<UInt64>)
  func exact(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    let (a, b) = (form(&random), form(&random))
    let isOrdered = a.priced(by: profile).value <= b.priced(by: profile).value
    let (cheap, dear) = isOrdered ? (a, b) : (b, a)
    let found = OrderSensitivity(cheaper: "a", dearer: "b", difference: dear - cheap, costs: profile.parameters)
    func margin(_ parameter: CostParameter, at value: Double) -> Double {
      var moved = profile
      moved.parameters[parameter.index].value = value
      return (dear - cheap).priced(by: moved).value
    }
    for flip in found.flips {
      let scale = max(1, abs(found.margin.value))
      #expect(abs(margin(flip.parameter, at: flip.at)) <= 1e-9 * scale, "seed \(seed), \(flip.parameter)")
      #expect(margin(flip.parameter, at: flip.at + (flip.at - flip.value) * 0.01) <= 1e-9 * scale, "seed \(seed)")
      #expect(margin(flip.parameter, at: (flip.at + flip.value) / 2) >= -1e-9 * scale, "seed \(seed)")
      #expect(flip.inside == (flip.low <= flip.at && flip.at <= flip.high))
    }
    // No other cost flips it alone at any value that a cost may have.
    for cost in profile.parameters where !found.flips.contains(where: { $0.parameter == cost.name }) {
      for value in [0, cost.value, 1e6] { #expect(margin(cost.name, at: value) >= 0, "seed \(seed), \(cost.name)") }
    }
    let inside = found.flips.map(\.inside)
    #expect(inside == inside.sorted { $0 && !$1 })
  }

  @Test("pairs neighbours, the cheapest with each, and the cheapest sound one with each sound one, once")
  func pairs() {
    let strategies: [Strategy] = [.filter, .toggle, .eptpExit, .singleStep, .pml]
    let prices = [50.0, 20, 30, 40, 10].map { cycles -> LinearForm in
      var form = LinearForm()
      form[.vmcallRoundTrip] = cycles
      return form
    }
    let found = Pricing(profile: profile, dimensions: .one).sensitivity(of: strategies, prices).map {
      "\($0.cheaper) < \($0.dearer)"
    }
    #expect(
      found == [
        "pml < toggle", "toggle < eptp-exit", "eptp-exit < singlestep", "singlestep < filter", "pml < eptp-exit",
        "pml < singlestep", "pml < filter", "eptp-exit < filter",
      ])
  }

  @Test("varies what is assumed, and nothing else, to half and double")
  func geometry() {
    let variants = profile.geometry.variants
    #expect(variants.map(\.geometry.pdeCache) == [3, 5, 10, 5])
    #expect(variants.map(\.geometry.pdpteCache) == [0, 0, 0, 0])
    #expect(variants.map(\.geometry.walkLines.l2) == [8, 4, 8, 16])
    #expect(variants.allSatisfy { $0.geometry.stlb == profile.geometry.stlb })
  }
}

extension CycleProfile {
  /// A profile of these costs alone.
  static func example(geometry: CacheGeometry, parameters: [Parameter]) -> CycleProfile {
    let none = Quantity(low: 1000, value: 1000, high: 1000, tag: .assumed, source: "s")
    return CycleProfile(
      processor: ProcessorProfile(
        name: "p", title: "p", frequencyMHz: none, geometry: geometry, features: [],
        parameters: parameters.filter { $0.name.half == .processor }),
      hypervisor: HypervisorProfile(
        name: "h", title: "h", handlerLines: none, mmuLockHold: none, consumers: [],
        parameters: parameters.filter { $0.name.half == .hypervisor }))
  }
}
