import Testing

@testable import Calibration

@Suite("The kernel module's log")
struct ModuleLogTests {
  private func log(_ lines: [String]) -> String {
    lines.enumerated().map { "6,\(1000 + $0.offset),5000,-;\($0.element)\n SUBSYSTEM=none\n" }.joined()
  }

  @Test("is the last report of the module; others' lines lie between")
  func report() throws {
    let report = try ModuleLog.report(
      in: log([
        "gi_calibration: begin", "gi_calibration: error of yesterday", "gi_calibration: end",
        "usb 1-1: new device; fast",
        "gi_calibration: begin", "gi_calibration: fact vmfunc yes", "eth0: link up",
        "gi_calibration: figure vmfunc 130 134 160 10240", "gi_calibration: curve touch 64 1 2 3 64",
        "gi_calibration: end",
      ]))
    #expect(report.fact("vmfunc") == "yes" && report.figure("vmfunc")?.value == 134)
    #expect(report.curves.count == 1)
  }

  @Test("says why the module could not measure")
  func errors() throws {
    let error = #expect(throws: CalibrationError.self) {
      try ModuleLog.report(
        in: log([
          "gi_calibration: begin", "gi_calibration: error VMX is on already; unload kvm_intel", "gi_calibration: end",
        ]))
    }
    #expect(error?.description == "VMX is on already; unload kvm_intel")
  }

  @Test(
    "is refused where it is not there, or breaks off",
    arguments: [
      [], ["eth0: link up"], ["gi_calibration: end"], ["gi_calibration: begin"],
      ["gi_calibration: begin", "gi_calibration: fact vmfunc yes"],
    ])
  func half(lines: [String]) {
    #expect(throws: CalibrationError.self) { try ModuleLog.report(in: log(lines)) }
  }
}
