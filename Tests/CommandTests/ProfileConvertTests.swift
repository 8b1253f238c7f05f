import Foundation
import Replay
import Testing

@Suite("gi-bench profile convert")
struct ProfileConvertTests {
  /// A profile that `profile measure` wrote under schema 1.
  private var old: String { Program.fixture("profile-schema-1.json") }

  /// What a file of schema 1 says of a cost.
  private struct Old: Decodable {
    struct Cost: Decodable, Equatable { var name: String; var low, value, high: Double; var tag, source: String }
    var parameters: [Cost]
  }

  @Test("is asked for by whoever is given the old schema, and writes a profile that keeps every cost")
  func converts() throws {
    let folder = try Program.Folder()
    let trace = try SmallTrace.write(to: folder)
    let sentence = "\(old): schema is 1, expected 2; convert it by `gi-bench profile convert \(old) NEW.json`"
    for arguments in [
      ["profile", "show", old], ["run", trace, "--profile", old], ["run", trace, "--hypervisor", old],
    ] {
      try Program.expectFailure(arguments, status: 1, sentence: sentence)
    }
    let new = folder.path + "/new.json"
    let outcome = try Program.run(["profile", "convert", old, new])
    #expect(outcome.status == 0 && outcome.output == "" && outcome.error == "")
    let before = try JSONDecoder().decode(Old.self, from: Data(contentsOf: URL(filePath: old))).parameters
    let after = try CycleProfile(json: Data(folder.text("new.json").utf8), origin: new)
    #expect(after.name == "measured" && after.hypervisor.name == "measured")
    for cost in before where cost.name != "emulate_store" {
      let kept = after.cost(of: try #require(CostParameter(rawValue: cost.name)))
      #expect(
        Old.Cost(
          name: cost.name, low: kept.low, value: kept.value, high: kept.high, tag: kept.tag.rawValue,
          source: kept.source) == cost)
    }
    let parts = before.filter { ["emulate_store", "violation_dispatch"].contains($0.name) }
    let joint = after.cost(of: .dispatchAndEmulation)
    #expect(parts.count == 2 && joint.low == parts.map(\.low).reduce(0, +))
    #expect(joint.value == parts.map(\.value).reduce(0, +) && joint.high == parts.map(\.high).reduce(0, +))
    #expect(after.cost(of: .eptpChange).high == 0 && after.processor.frequencyMHz.tag == .assumed)
    #expect(try Program.run(["profile", "validate", new]).output.hasSuffix("34 costs, 29 of them assumed\n"))
    #expect(try Program.run([trace, "--profile", new, "--counters-only"]).status == 0)
  }

  @Test("refuses what is no profile of schema 1")
  func refuses() throws {
    let folder = try Program.Folder()
    let new = try folder.file("new.json", try Program.run(["profile", "show", "--format", "json"]).output)
    try Program.expectFailure(
      ["profile", "convert", new, folder.path + "/x.json"], status: 1,
      sentence: "\(new): schema is 2 already, expected 1; use the file as it is")
    let text = try String(contentsOfFile: old, encoding: .utf8)
    let lacking = try folder.file("lacking.json", text.replacing("\"emulate_store\"", with: "\"stlb_hit\""))
    try Program.expectFailure(
      ["profile", "convert", lacking, folder.path + "/x.json"], status: 1,
      sentence: "\(lacking): parameter emulate_store is given 0 times, expected once")
    let disordered = try folder.file("disordered.json", text.replacing("1210.5", with: "9999"))
    try Program.expectFailure(
      ["profile", "convert", disordered, folder.path + "/x.json"], status: 1,
      sentence: "\(disordered): hypervisor: parameter vmcall_round_trip: 9999.0, 1288.0, 1900.0 is not "
        + "low <= value <= high <= 1e9; order them")
    #expect(!FileManager.default.fileExists(atPath: folder.path + "/x.json"))
  }
}

@Suite("--hypervisor")
struct HypervisorOptionTests {
  @Test("chooses the software, from what comes with us or from a file, and says which it was")
  func chooses() throws {
    let folder = try Program.Folder()
    let trace = try SmallTrace.write(to: folder)
    func run(_ options: [String]) throws -> String {
      let outcome = try Program.run([trace, "--counters-only"] + options)
      #expect(outcome.status == 0, "\(outcome.error)")
      return outcome.output
    }
    #expect(try run([]).contains("skylake-sp under kvm;"))
    #expect(try run(["--hypervisor", "bare", "--profile", "icelake-sp"]).contains("icelake-sp under bare;"))
    let both = try Program.run(["profile", "show", "--hypervisor", "xen-tool", "--format", "json"]).output
    let file = try folder.file("mine.json", both)
    #expect(try run(["--profile", file]) == run(["--hypervisor", "xen-tool"]))
    #expect(try run(["--hypervisor", file]) == run(["--hypervisor", "xen-tool"]))
    #expect(try run(["--profile", file, "--hypervisor", "kvm"]) == run(["--hypervisor", "kvm"]))
  }

  @Test("is refused in a sentence that helps")
  func refuses() throws {
    let folder = try Program.Folder()
    let trace = try SmallTrace.write(to: folder)
    try Program.expectFailure(
      [trace, "--hypervisor", "kwm"], status: 64,
      sentence: "no hypervisor and no file is named 'kwm'; did you mean kvm?")
    let processor = try folder.file(
      "processor.json", try Program.run(["profile", "validate", "icelake-sp", "--format", "json"]).output)
    try Program.expectFailure(
      [trace, "--hypervisor", processor], status: 1,
      sentence: "\(processor): holds a processor and no hypervisor, expected a hypervisor; give this file to --profile")
  }
}
