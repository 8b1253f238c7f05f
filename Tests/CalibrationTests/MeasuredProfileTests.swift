import Foundation
import Replay
import SeededRandom
import Testing

@testable import Calibration

@Suite("A measured profile")
struct MeasuredProfileTests {
  private let machine = MachineIdentity(
    processor: "Intel Xeon 4", microcode: "0x2b", kernel: "6.12", isUnderHypervisor: false, date: "2026-11-28")

  private func base() throws -> CycleProfile { try #require(try ProfileLibrary.profile(named: "icelake-sp")) }

  private func report(_ figures: [(String, Double, Double, Double)]) -> ProgramReport {
    var report = ProgramReport()
    report.figures = figures.map { MeasuredFigure(name: $0.0, low: $0.1, value: $0.2, high: $0.3, samples: 10_000) }
    return report
  }

  private func compose(
    _ outcomes: [CalibrationPart: MeasuredProfile.Outcome], isFunctional: Bool = false
  ) throws -> MeasuredProfile {
    MeasuredProfile(startingFrom: try base(), machine: machine, outcomes: outcomes, isFunctional: isFunctional)
  }

  @Test("takes median, least and 99th percentile, tag and source from the figures, and all else from where it starts")
  func takes() throws {
    var plain = report([("load.l1", 3.75, 4.004, 5), ("load.page_stride", 9, 12, 20), ("load.packed", 4, 4.5, 6)])
    plain.facts = [.init(name: "core_cycles_per_tick", text: "1.25"), .init(name: "load.l1.set", text: "24 KiB")]
    let result = try compose([.plain: .report(plain), .kvm: .refused("no device"), .module: .refused("not asked for")])
    #expect(result.measured.map(\.cost) == [.l1Reference, .stlbHit])
    let l1 = result.profile.cost(of: .l1Reference)
    #expect(l1.low == 3.75 && l1.value == 4 && l1.high == 5 && l1.tag == .measured)
    #expect(
      l1.source
        == "dependent loads, 24 KiB; Intel Xeon 4, microcode 0x2b, Linux 6.12, 2026-11-28; 1.25 core cycles a tick")
    let stlb = result.profile.cost(of: .stlbHit)
    #expect(stlb.low == 4.5 && stlb.value == 7.5 && stlb.high == 15.5)
    let start = try base()
    for cost in CostParameter.allCases where ![.l1Reference, .stlbHit].contains(cost) {
      #expect(result.profile.cost(of: cost) == start.cost(of: cost))
    }
    #expect(result.profile.geometry == start.geometry && result.profile.features == start.features)
    #expect(result.profile.name == "measured" && result.profile.processor.title.hasPrefix("Intel Xeon 4; "))
  }

  @Test("says of every cost that was not measured why, once")
  func omissions() throws {
    var plain = report([("load.l1", 4, 4, 5)])
    plain.omissions = [.init(name: "load.l3", text: "no such cache")]
    let result = try compose([.plain: .report(plain), .kvm: .failed("hung"), .module: .refused("not asked for")])
    let costs = result.omissions.flatMap(\.costs) + result.measured.map(\.cost)
    #expect(costs.count == CostParameter.allCases.count && Set(costs).count == costs.count)
    #expect(result.omissions.contains { $0.costs == [.l3Reference] && $0.reason == "no such cache" })
    #expect(result.omissions.contains { $0.costs == CalibrationPart.kvm.costs && $0.reason == "/dev/kvm: hung" })
  }

  @Test("takes no cost from a difference that leaves nothing")
  func differences() throws {
    let kvm = report([("vmcall", 1000, 1500, 2000), ("store.absent", 900, 1400, 3000), ("store.present", 1, 2, 3)])
    let result = try compose([.kvm: .report(kvm)])
    #expect(result.measured.map(\.cost) == [.vmcallRoundTrip])
    #expect(
      result.omissions.contains {
        $0.costs == [.violationDispatch] && $0.reason == "store.absent is not above store.present and vmcall together"
      })
  }

  @Test("adds up what is measured in two parts, and names the part that is missing")
  func twoParts() throws {
    var figures = [
      ("vmcall", 1000.0, 1500.0, 2000.0), ("store.absent", 2400, 2600, 3500), ("store.present", 1, 100, 300),
      ("store.ioeventfd", 2500, 3000, 4000), ("store.ioeventfd.any", 2000, 2200, 2500),
    ]
    let whole = try compose([.kvm: .report(report(figures))])
    let joint = whole.profile.cost(of: .dispatchAndEmulation)
    #expect(joint.low == 300 + 800 && joint.value == 800 + 1000 && joint.high == 1800 + 1900 && joint.tag == .measured)
    #expect(whole.profile.hypervisor.name == "measured" && whole.profile.hypervisor.title.hasPrefix("Intel Xeon 4"))
    figures.remove(at: 2)
    let lacking = try compose([.kvm: .report(report(figures))])
    #expect(
      lacking.omissions.contains { $0.costs == [.dispatchAndEmulation] && $0.reason == "the /dev/kvm did not tell it" })
  }

  @Test("takes the rate of the counter as its clock")
  func clock() throws {
    var plain = report([("load.l1", 4, 4, 5)])
    plain.facts = [.init(name: "core_cycles_per_tick", text: "1.25"), .init(name: "ticks_per_us", text: "2000")]
    let clock = try compose([.plain: .report(plain)]).profile.processor.frequencyMHz
    #expect(clock.low == 2000 && clock.value == 2000 && clock.high == 2500 && clock.tag == .measured)
    plain.facts = [.init(name: "ticks_per_us", text: "-7")]
    #expect(try compose([.plain: .report(plain)]).profile.processor.frequencyMHz == base().processor.frequencyMHz)
  }

  @Test("takes the hot store where there is one processor only")
  func oneProcessor() throws {
    let alone = try compose([.plain: .report(report([("store.locked", 18, 20, 22)]))]).profile.cost(of: .entryEdit)
    #expect(alone.source.contains("one processor only"))
    #expect(alone.low == 18 && alone.value == 20 && alone.high == 22)
    let both = report([("store.locked", 18, 20, 22), ("store.locked.shared", 50, 100, 200)])
    let shared = try compose([.plain: .report(both)]).profile.cost(of: .entryEdit)
    #expect(!shared.source.contains("one processor only"))
    #expect(shared.low == 18 && shared.value == 100 && shared.high == 200)
  }

  @Test("keeps figures that are no cost out of every cost, and shows them")
  func others() throws {
    let plain = report([("alert", 90, 100, 120), ("tree.look_up", 15, 20, 30), ("alert.handed_over", 300, 400, 900)])
    let result = try compose([.plain: .report(plain)])
    let alert = result.profile.cost(of: .alertRecord)
    #expect(alert.low == 70 && alert.value == 80 && alert.high == 100)
    #expect(result.otherFigures.map(\.name) == ["alert.handed_over"])
  }

  @Test("has the features that the module finds")
  func features() throws {
    var module = report([("vmfunc", 130, 134, 160)])
    module.facts = [
      .init(name: "vmfunc", text: "yes"), .init(name: "spp", text: "no"), .init(name: "pml", text: "yes"),
    ]
    #expect(try compose([.module: .report(module)]).profile.features == [.vmfunc, .pml])
  }

  @Test("of a functional run says in name, processor and every source that it is no measurement")
  func functional() throws {
    let kvm = try ProgramReport(output: Fixture.kvmInQEMU(), of: "gi-kvm")
    let result = try compose([.kvm: .report(kvm)], isFunctional: true)
    #expect(result.profile.name == "no-measurement" && result.profile.processor.title.hasPrefix("NO MEASUREMENT"))
    #expect(result.measured.count >= 2)
    for (cost, _) in result.measured {
      let parameter = result.profile.cost(of: cost)
      #expect(parameter.tag == .assumed && parameter.source.hasPrefix("NO MEASUREMENT"))
    }
  }

  @Test("is valid whatever the figures are", arguments: 1...20 as ClosedRange<UInt64>)
  func valid(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    var report = ProgramReport()
    for name in CostRule.figures.sorted() where Bool.random(using: &random) {
      let places = (0..<3).map { _ in Double.random(in: 0...1e6, using: &random) }.sorted()
      report.figures.append(MeasuredFigure(name: name, low: places[0], value: places[1], high: places[2], samples: 1))
    }
    let result = try compose([.plain: .report(report), .kvm: .report(report), .module: .report(report)])
    let json = try JSONEncoder().encode(ProfileFile(result.profile))
    #expect(try CycleProfile(json: json, origin: "seed \(seed)") == result.profile)
  }
}
