import Foundation
import Testing

@testable import Calibration

@Suite("Output of the programs")
struct ProgramReportTests {
  private func report(_ text: String) throws -> ProgramReport {
    try ProgramReport(output: Array(text.utf8), of: "gi-plain")
  }

  @Test("is read line by line")
  func lines() throws {
    let report = try report(
      """
      fact core_cycles_per_tick 1.25
      figure load.l1 4.00 4.50 5.25 10000
      curve invept.single 256 100 120.5 900 64
      omitted load.l3 no such cache
      event log.one page=37
      end

      """)
    #expect(report.figures == [MeasuredFigure(name: "load.l1", low: 4, value: 4.5, high: 5.25, samples: 10000)])
    #expect(report.curves.map(\.n) == [256] && report.curves[0].figure.value == 120.5)
    #expect(report.fact("core_cycles_per_tick") == "1.25" && report.fact("other") == nil)
    #expect(report.omissions == [.init(name: "load.l3", text: "no such cache")])
    #expect(report.events == [.init(name: "log.one", text: "page=37")])
  }

  @Test(
    "is refused where it is none",
    arguments: [
      "figure load.l1 4 5", "figure load.l1 5 4 6 10", "figure load.l1 -1 4 6 10", "figure load.l1 1 2 nan 10",
      "figure load.l1 1 2 inf 10", "figure load.l1 1 2 2e9 10", "figure load.l1 1 2 3 0", "figure load.l1 1 2 3 1.5",
      "figure LOAD 1 2 3 10", "figure  1 2 3 10", "figure load.l1 1 2 3 10\nfigure load.l1 1 2 3 10",
      "curve x -1 1 2 3 4",
      "curve x", "fact a", "fact a ", "segmentation fault", "", "end", "event \u{1B}[2J x",
      "fact \(String(repeating: "a", count: 41)) x",
    ])
  func garbage(line: String) throws {
    let error = #expect(throws: CalibrationError.self) { try report("fact a b\n\(line)\nend\n") }
    #expect(error?.description.hasPrefix("gi-plain: line ") == true, "\(error?.description ?? "")")
  }

  @Test("is refused where it breaks off, or is no text", arguments: ["", "end", "fact a b\n", "fact a b\nend\nmore\n"])
  func half(text: String) throws {
    #expect(throws: CalibrationError.self) { try report(text) }
  }

  @Test("is refused where it is no UTF-8, or beyond all measure")
  func bytes() {
    #expect(throws: CalibrationError.self) { try ProgramReport(output: [0xff, 0x0a] + Array("end\n".utf8), of: "x") }
    let long = String(repeating: "fact a b\n", count: ProgramReport.longest / 9 + 1) + "end\n"
    #expect(throws: CalibrationError.self) { try ProgramReport(output: Array(long.utf8), of: "x") }
  }

  @Test("is printed as it is read")
  func roundTrip() throws {
    var report = ProgramReport()
    report.figures = [MeasuredFigure(name: "tree.node", low: 1, value: 2.5, high: 1000, samples: 7)]
    report.facts = [.init(name: "build", text: "a debug build")]
    report.omissions = [.init(name: "alert.handed_over", text: "there is one processor only")]
    report.events = [.init(name: "log", text: "pages=512 of 512")]
    #expect(try ProgramReport(output: Array(report.lines.utf8), of: "gi-bench") == report)
  }

  @Test("of the /dev/kvm program, as it came from an emulated machine, is whole")
  func emulated() throws {
    let report = try ProgramReport(output: Fixture.kvmInQEMU(), of: "gi-kvm")
    #expect(report.fact("user") == "65534")
    #expect(report.events.map(\.name).contains("log.all"))
    #expect(report.figure("store.absent")?.samples == 512)
    #expect(report.omissions.map(\.name) == ["store.ioeventfd", "store.logged"])
  }

  @Test("figures are least, median and 99th percentile of the samples, less what reading the clock takes")
  func samples() throws {
    let figure = try #require(
      MeasuredFigure(name: "x", ticks: (1...1000).reversed().map { 20 + 2 * $0 }, overhead: 20, per: 2))
    #expect(figure == MeasuredFigure(name: "x", low: 1, value: 501, high: 991, samples: 1000))
    #expect(MeasuredFigure(name: "x", ticks: [3, 4], overhead: 20)?.high == 0)
    #expect(MeasuredFigure(name: "x", ticks: [], overhead: 20) == nil)
  }
}

enum Fixture {
  static func kvmInQEMU() throws -> [UInt8] {
    let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures/kvm-in-qemu.txt")
    return Array(try Data(contentsOf: file))
  }
}
