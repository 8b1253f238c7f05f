import Foundation
import Testing

@Suite("Importing a log, as a command")
struct ImportCommandTests {
  private static let fixtures = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "RecordingsTests/Fixtures/imports").path

  private static func convert(_ name: String, _ options: [String], to trace: String) throws -> Program.Outcome {
    try Program.run(["trace", "convert", fixtures + "/" + name, "--output", trace] + options)
  }

  @Test("says what it took the log for, and what the log is")
  func auto() throws {
    let folder = try Program.Folder()
    let trace = folder.path + "/t"
    let outcome = try Self.convert("kvm-log.txt.gz", ["--from", "auto"], to: trace)
    #expect(outcome.status == 0 && outcome.output == "" && outcome.error.contains("taken for kvm-page-fault\n"))
    #expect(outcome.error.contains("note: a lower bound: 48211 events were lost\n"))
    let info = try Program.run(["trace", "info", trace])
    #expect(info.output.contains("a lower bound: 48211 events were lost") && info.output.contains("2101 (CPU 0/KVM)"))
    for format in ["text", "json"] {
      let stats = try Program.run(["trace", "stats", trace, "--format", format])
      #expect(stats.output.contains("nanoseconds, not instructions"))
    }
  }

  @Test(
    "of nothing that is understood fails, leniently too",
    arguments: ["garbage.txt", "kvm-exit-only.txt", "two-vms.txt"],
    [[], ["--lenient"]])
  func nothing(name: String, options: [String]) throws {
    let folder = try Program.Folder()
    let outcome = try Self.convert(name, ["--from", "kvm-page-fault"] + options, to: folder.path + "/t")
    #expect(outcome.status == 1 && outcome.output == "" && outcome.error.split(separator: "\n").count == 1)
    #expect(try folder.names.isEmpty)
  }

  @Test("shows the blanks of a line that was not understood")
  func blanks() throws {
    let folder = try Program.Folder()
    let log = try folder.file("log", "I  0401ab70,3\n S 1fff000678,8\n S  1fff000678, 8\n")
    let outcome = try Program.run(["trace", "convert", log, "--from", "lackey", "--output", folder.path + "/t"])
    #expect(outcome.error.contains("in \" S  1fff000678, 8\", expected \"I  ADDRESS,SIZE\""))
  }

  @Test("is followed by a question, and by a report that repeats what the log is")
  func run() throws {
    let folder = try Program.Folder()
    let trace = folder.path + "/t"
    let policy = Self.fixtures + "/policy-outside.json"
    #expect(try Self.convert("lost-events.txt", ["--from", "kvm-page-fault"], to: trace).status == 0)
    let question = try Program.run([trace])
    #expect(question.status == 64 && question.output == "" && question.error.contains("what is to be protected?"))
    #expect(question.error.contains("\"gpa\": \"0x1000000\""))
    let outside = try Program.run([trace, "--policy", policy])
    #expect(outside.status == 1 && outside.error.contains("--ram SIZE"))
    #expect(try Self.convert("lost-events.txt", ["--from", "kvm-page-fault", "--ram", "1G"], to: trace).status == 0)
    let report = try Program.run([trace, "--policy", policy, "--counters-only"], environment: ["COLUMNS": "200"])
    #expect(report.status == 0)
    #expect(
      report.output.contains("a lower bound: 48211 events were lost") && report.output.contains("8000 nanoseconds"))
    let json = try Program.run([trace, "--policy", policy, "--counters-only", "--format", "json"])
    let object = try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any]
    let described = object?["trace"] as? [String: Any]
    #expect((described?["cautions"] as? [String])?.contains("a lower bound: 48211 events were lost") == true)
    #expect((described?["log"] as? [String: Any])?["lost_events"] as? Int == 48211)
  }

  @Test("numbers frames where addresses pass 64 GiB, if the file can be read again")
  func numbered() throws {
    let folder = try Program.Folder()
    let log = try folder.file("log", "0x1000,8\n0x380000001010,8\n")
    let trace = folder.path + "/t"
    let outcome = try Program.run(["trace", "convert", log, "--from", "addresses", "--output", trace])
    #expect(outcome.status == 0 && outcome.error.contains("frames are numbered by first touch"))
    let view = try Program.run(["trace", "view", trace])
    #expect(view.output == "0 1 write 0x1000 8\n0 2 write 0x380000001010 8\n")
    #expect(try Program.run(["trace", "info", trace]).output.contains("guest-physical addresses, frames numbered"))
  }

  @Test("names symbols from a list, and a policy protects them")
  func symbols() throws {
    let folder = try Program.Folder()
    let map = try folder.file(
      "System.map",
      "ffffffff81000000 T _text\nffffffff81001000 T hooked\nffffffff81001010 T next\nffffffff81002000 T _end\n")
    let log = try folder.file("log", "0x35001008,8\n0x35001018,8\n0x40000000,8\n")
    let policy = try folder.file(
      "p.json", "{\"schema\":1,\"name\":\"p\",\"regions\":[{\"name\":\"h\",\"symbol\":\"hooked\"}]}")
    let trace = folder.path + "/t"
    let outcome = try Program.run([
      "trace", "convert", log, "--from", "addresses", "--symbols", map, "--kernel-base", "0x35000000", "--output",
      trace,
    ])
    #expect(outcome.status == 0)
    let report = try Program.run([trace, "--policy", policy, "--counters-only", "--format", "json"])
    let object = try JSONSerialization.jsonObject(with: Data(report.output.utf8)) as? [String: Any]
    let strategies = object?["strategies"] as? [[String: Any]]
    let counts = strategies?.filter { $0["name"] as? String == "eptp-exit" }.compactMap {
      ($0["notifications"] as? [String: Any])?["count"] as? Int
    }
    #expect(counts == [2])
  }

  @Test(
    "refuses options that have nothing to do",
    arguments: [
      ["--ram", "4G"], ["--task", "7"], ["--from", "addresses", "--kernel-base", "0x1000"],
      ["--from", "addresses", "--ram", "0"],
      ["--from", "recorder", "--description", "d", "--task", "7"], ["--from", "addresses", "--ram", "9999T"],
      ["--from", "recorder", "--description", "d", "--ram", "4G"], ["--from", "recorder", "--symbols", "s"],
    ])
  func usage(options: [String]) throws {
    let outcome = try Program.run(["trace", "convert", "x", "--output", "y"] + options)
    #expect(outcome.status == 64 && outcome.error.split(separator: "\n").count == 1)
  }
}
