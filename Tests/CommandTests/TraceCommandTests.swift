import Foundation
import Testing

@Suite("The trace commands")
struct TraceCommandTests {
  @Test("generate, check, export, import and cut without a word on the standard output but the answer")
  func chain() throws {
    let folder = try Program.Folder()
    let made = folder.path + "/made.trace"
    let arguments = ["--workload", "zipf", "--writes", "5000", "--pages", "64", "--seed", "3", "--output"]
    #expect(try Program.run(["trace", "generate"] + arguments + [made]).status == 0)
    let check = try Program.run(["trace", "check", made])
    #expect(check.status == 0 && check.output.hasSuffix("5000 writes, sound\n"))
    let csv = folder.path + "/made.csv"
    let description = folder.path + "/made.json"
    let export = try Program.run(
      ["trace", "convert", made, "--to", "csv", "--save-description", description, "--output", csv])
    #expect(export.status == 0 && export.output == "")
    let again = folder.path + "/again.trace"
    let back = try Program.run(
      ["trace", "convert", "--from", "csv", csv, "--description", description, "--level", "3", "--output", again])
    #expect(back.status == 0 && back.output == "")
    let whole = try [made, again].map { try Data(contentsOf: URL(filePath: $0)) }
    #expect(whole[0] == whole[1], "the same records and description are the same file")
    #expect(try folder.names == ["again.trace", "made.csv", "made.json", "made.trace"])
    let statistics = try Program.run(["trace", "stats", made, "--format", "json"])
    let json = try JSONSerialization.jsonObject(with: Data(statistics.output.utf8)) as? [String: Any]
    #expect(json?["writes"] as? Int == 5000 && json?["run_lengths"] != nil)
  }

  @Test(
    "refuse wrong usage with status 64 and one sentence",
    arguments: [
      ["convert", "x", "--from", "recorder", "--output", "y"], ["convert", "x", "--from", "nothing", "--output", "y"],
      ["convert", "x", "--from", "csv", "--to", "csv", "--output", "y"],
      ["convert", "x", "--columns", "steps,colour", "--output", "y"], ["cut", "x", "--output", "y"],
      ["generate", "--workload", "zipf", "--pages", "0", "--output", "y"], ["generate", "--output", "y"],
      ["stats", "x", "--slices", "0"],
    ])
  func usage(arguments: [String]) throws {
    let outcome = try Program.run(["trace"] + arguments)
    #expect(outcome.status == 64 && outcome.output == "")
    #expect(outcome.error.hasPrefix("gi-bench: ") && outcome.error.split(separator: "\n").count == 1)
  }

  @Test(
    "refuse what is no trace with status 1 and one sentence, and leave nothing behind",
    arguments: ["info", "view", "stats", "check", "convert", "cut"])
  func garbage(command: String) throws {
    let folder = try Program.Folder()
    let output = ["convert", "cut"].contains(command) ? ["--output", folder.path + "/out"] : []
    let mark = command == "cut" ? ["--to-mark", "x"] : []
    for content in ["", String(repeating: "garbage ", count: 500)] {
      let path = try folder.file("bad", content)
      let outcome = try Program.run(["trace", command, path] + output + mark)
      #expect(outcome.status == 1 && outcome.output == "")
      #expect(outcome.error.hasPrefix("gi-bench: \(path)") && outcome.error.split(separator: "\n").count == 1)
      #expect(try folder.names == ["bad"])
    }
  }

  @Test("say which line of a text is bad, and leave nothing behind")
  func badLine() throws {
    let folder = try Program.Folder()
    let text = try folder.file("log", "I  0401ab70,3\n S 1fff000758,8\nwhat is this\n")
    let arguments = ["trace", "convert", "--from", "lackey", text, "--output", folder.path + "/out"]
    try Program.expectFailure(
      arguments, status: 1,
      sentence:
        "\(text), line 3: found no access in \"what is this\", expected \"I  ADDRESS,SIZE\", or L, S or M likewise; "
        + "correct the line, or leave such lines out with --lenient")
    #expect(try folder.names == ["log"])
    let lenient = try Program.run(arguments + ["--lenient"])
    #expect(lenient.status == 0 && lenient.error.contains("1 of 3 lines left out"))
  }

  @Test("check: what holds no recording ends with status 2")
  func unsound() throws {
    let folder = try Program.Folder()
    let csv = try folder.file("log", "kind,vcpu,count,gpa,size\nmark,0,1,5,0\n")
    let trace = folder.path + "/out"
    #expect(try Program.run(["trace", "convert", "--from", "csv", csv, "--output", trace]).status == 0)
    let outcome = try Program.run(["trace", "check", trace])
    #expect(outcome.status == 2 && outcome.output.contains("marks: mark 5 without a name"))
  }
}
