import Foundation
import Testing

/// The gate that users copy into their own CI, run as they would: green, red, and without a verdict.
@Suite struct ExampleGateTests {
  private static let script = URL(filePath: #filePath).deletingLastPathComponent().appending(
    path: "../../Examples/ci/gate.sh"
  ).standardizedFileURL.path

  private let folder: Program.Folder

  init() throws {
    folder = try Program.Folder()
    let generated = try Program.run(
      ["trace", "generate", "--workload", "zipf", "--writes", "20000", "--pages", "64", "-o", "guest.trace"],
      folder: folder.path)
    #expect(generated.status == 0)
    _ = try folder.file("policy.json", Self.policy(pages: 1))
  }

  private static func policy(pages: Int) -> String {
    #"{"schema": 1, "name": "first", "regions": [{"name": "first", "gpa": "0x0", "bytes": \#(pages * 4096)}]}"#
  }

  private func gate(_ environment: [String: String] = [:]) throws -> Program.Outcome {
    try Program.run(
      [Self.script, "guest.trace", "baseline.json", "policy.json"],
      environment: ["GI_BENCH": Program.path].merging(environment) { $1 }, folder: folder.path, program: "/bin/sh")
  }

  @Test func itIsGreenThenRed() throws {
    #expect(try gate().output.contains("made baseline.json"))
    let green = try gate(["SUMMARY": folder.path + "/summary.md"])
    #expect(green.status == 0 && green.output.contains("green") && green.error.isEmpty, "\(green)")
    #expect(try folder.text("summary.md").contains("As the baseline"))
    let entries = try JSONSerialization.jsonObject(with: Data(folder.text("benchmark.json").utf8)) as? [[String: Any]]
    #expect(entries?.count == 2)
    #expect(entries?.allSatisfy { $0["unit"] as? String == "modelled cycles" && $0["value"] is Double } == true)
    // The baseline says that monitoring was cheaper once: now it is a regression.
    let cheaper = try folder.text("baseline.json").replacing(
      /"overhead_cycles" : \{\s*"high" : \d+,\s*"low" : \d+,\s*"value" : \d+/,
      with: #""overhead_cycles" : {"high" : 12, "low" : 10, "value" : 11"#)
    _ = try folder.file("baseline.json", cheaper)
    let red = try gate()
    #expect(red.status == 2 && red.output.contains("red"), "\(red)")
    #expect(red.error.split(separator: "\n").count == 1)
    #expect(red.error.contains("regression in") && red.error.contains("overhead, cycles"))
    #expect(try folder.text("report.md").contains("Regression"))
  }

  @Test func anotherRecordingIsJudgedByRatesWhereSomethingMayVary() throws {
    _ = try gate()
    _ = try Program.run(
      [
        "trace", "generate", "--workload", "zipf", "--writes", "20000", "--pages", "64", "--seed", "2", "-o",
        "guest.trace",
      ],
      folder: folder.path)
    let exact = try gate()
    #expect(exact.status == 3, "\(exact)")
    let loose = try gate(["FAIL_ABOVE": "20%"])
    #expect(loose.status == 0, "\(loose)")
    #expect(try folder.text("report.md").contains("another recording"))
  }

  @Test func whatCannotBeComparedIsNoVerdict() throws {
    _ = try gate()
    _ = try folder.file("baseline.json", "{}")
    let outcome = try gate()
    #expect(outcome.status == 1 && outcome.output.contains("no verdict (status 1)"), "\(outcome)")
  }
}
