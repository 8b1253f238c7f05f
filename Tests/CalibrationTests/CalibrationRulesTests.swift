import Foundation
import Replay
import Testing

@testable import Calibration

@Suite("What a machine grants")
struct CalibrationRulesTests {
  private func rules(
    module: Bool = false, functional: Bool = false, hypervisor: Bool = false,
    device: CalibrationRules.KVMDevice = .usable
  ) -> CalibrationRules {
    CalibrationRules(wantsModule: module, isFunctional: functional, isUnderHypervisor: hypervisor, device: device)
  }

  private func runs(_ rules: CalibrationRules) -> [CalibrationPart] {
    CalibrationPart.allCases.filter { rules.refusal(of: $0) == nil }
  }

  @Test("the plain part always runs, guests on the machine itself, the module when asked for")
  func parts() {
    #expect(runs(rules()) == [.plain, .kvm])
    #expect(runs(rules(module: true)) == [.plain, .kvm, .module])
    #expect(runs(rules(module: true, device: .missing)) == [.plain, .module])
    #expect(runs(rules(device: .forbidden)) == [.plain])
    #expect(runs(rules(module: true, hypervisor: true)) == [.plain])
    #expect(runs(rules(functional: true, hypervisor: true)) == [.plain, .kvm])
    #expect(runs(rules(module: true, functional: true, hypervisor: true)) == [.plain, .kvm, .module])
  }

  @Test("a refusal says why, and what to do")
  func reasons() {
    #expect(rules(hypervisor: true).refusal(of: .kvm)?.contains("--functional") == true)
    #expect(rules(device: .missing).refusal(of: .kvm)?.contains("kvm_intel") == true)
    #expect(rules(device: .forbidden).refusal(of: .kvm)?.contains("group kvm") == true)
    #expect(rules().refusal(of: .module)?.contains("--module") == true)
  }

  @Test("round trips that all take the same are an emulator's")
  func doubt() {
    func report(_ name: String, low: Double = 1000, high: Double) -> ProgramReport {
      var report = ProgramReport()
      report.figures = [MeasuredFigure(name: name, low: low, value: 1500, high: high, samples: 10_000)]
      return report
    }
    #expect(rules().doubt(about: report("vmcall", high: 1500), of: .kvm)?.contains("emulator") == true)
    #expect(rules().doubt(about: report("vmcall", high: 1502), of: .kvm) == nil)
    #expect(rules().doubt(about: report("vmcall", low: 1500, high: 1800), of: .kvm) != nil)
    #expect(rules(functional: true).doubt(about: report("vmcall", high: 1500), of: .kvm) == nil)
    #expect(rules().doubt(about: report("exit.vmcall", high: 1500), of: .module) != nil)
    #expect(rules().doubt(about: report("load.l1", high: 1500), of: .plain) == nil)
  }

  @Test("every cost but a shootdown has one rule")
  func costs() {
    let ruled = CostRule.all.map(\.cost)
    #expect(Set(ruled).count == ruled.count)
    #expect(Set(ruled).union(CostRule.unmeasured.keys) == Set(CostParameter.allCases))
    #expect(Set(ruled).isDisjoint(with: CostRule.unmeasured.keys))
  }
}

@Suite("The programs carried inside")
struct ProgramSourceTests {
  private static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appending(path: "Sources/Calibration/Programs")

  @Test("are the files of the folder, all of them, each below 16 KB")
  func files() throws {
    let embedded = CalibrationPart.allCases.flatMap { ProgramSource.of($0).files }
    let there = try FileManager.default.contentsOfDirectory(atPath: Self.folder.path)
    #expect(Set(embedded.map(\.name)) == Set(there))
    for file in embedded {
      #expect(try Data(contentsOf: Self.folder.appending(path: file.name)) == Data(file.bytes), "\(file.name)")
      #expect(file.bytes.count < 16384, "\(file.name)")
    }
  }
}

@Suite("Our own paths")
struct OwnPathsTests {
  @Test("are timed hot and cold; what comes from memory takes longer")
  func figures() throws {
    let report = try OwnPaths(samples: 200).report()
    let hot = try #require(report.figure("tree.node"))
    let cold = try #require(report.figure("tree.node.cold"))
    #expect(hot.value > 0 && cold.value > hot.value && cold.samples == 200)
    let alert = try #require(report.figure("alert"))
    #expect(alert.value > 0 && report.figure("alert.cold")?.value ?? 0 > alert.value)
    let handedOver = report.figure("alert.handed_over") != nil
    #expect(handedOver || report.omissions.map(\.name).contains("alert.handed_over"))
  }
}

@Suite("The machine's identity")
struct MachineIdentityTests {
  @Test("is read from what the kernel says, or unknown")
  func fields() {
    let information =
      "processor\t: 0\nmodel name\t: Intel(R) Xeon(R) 6\nmicrocode\t: 0xd0003e7\n\nmodel name\t: other\n"
    #expect(MachineIdentity.field("model name", of: information) == "Intel(R) Xeon(R) 6")
    #expect(MachineIdentity.field("microcode", of: information) == "0xd0003e7")
    #expect(MachineIdentity.field("microcode", of: "") == "unknown")
    #expect(MachineIdentity.current.date.count == 10)
  }
}
