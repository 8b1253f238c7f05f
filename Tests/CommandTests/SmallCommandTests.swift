import Foundation
import Testing

/// What the command line says to slips of the hand, and of its own names.
@Suite struct SmallCommandTests {
  @Test(arguments: [
    (["trace", "inf"], "trace has no 'inf'; did you mean `gi-bench trace info`?"),
    (["profile", "shwo"], "did you mean `gi-bench profile show`?"),
    (["strategy", "lst"], "did you mean `gi-bench strategy list`?"),
    (["help", "rnu"], "no subcommand is named 'rnu'; did you mean `gi-bench help run`?"),
    (["help", "trace", "chek"], "did you mean `gi-bench help trace check`?"),
    (["trace", "qqqqqqqq"], "there are info, view, stats"),
    (["strategy", "show", "vmfnc"], "did you mean vmfunc?"),
    (["run", "a.trace", "--save", "x", "--save", "y"], "--save is given 2 times"),
    (["compare", "a.json", "b.json", "--format", "github"], "github is no format of this report"),
    (["check", "a.trace", "--baseline", "b.json", "--fail-above", "-1"], "--fail-above"),
  ])
  func aSlipIsAnsweredWithWhatWasMeant(_ arguments: [String], _ words: String) throws {
    let outcome = try Program.run(arguments)
    #expect(outcome.status == 64)
    #expect(outcome.error.contains(words), "\(outcome.error)")
    #expect(outcome.error.split(separator: "\n").count == 1)
  }

  @Test func versionHasAShortName() throws {
    #expect(try Program.run(["-V"]).output == Program.run(["--version"]).output)
  }

  @Test func oneUnreadableTraceDoesNotHideTheOthers() throws {
    let folder = try Program.Folder()
    _ = try Program.run(
      ["trace", "generate", "--workload", "scan", "--writes", "1000", "--pages", "16", "-o", "good.trace"],
      folder: folder.path)
    let outcome = try Program.run(["trace", "check", "a.trace", "good.trace", "b.trace"], folder: folder.path)
    #expect(outcome.status == 1)
    #expect(outcome.output.contains("good.trace: 1 blocks, 1000 writes, sound"))
    #expect(outcome.error.contains("a.trace") && outcome.error.contains("b.trace"))
  }

  @Test func everyStrategyIsExplained() throws {
    let listed = try Program.run(["strategy", "list", "--format", "json"])
    let names = try #require(JSONSerialization.jsonObject(with: Data(listed.output.utf8)) as? [[String: Any]])
      .compactMap { $0["name"] as? String }
    #expect(names.contains("eptp-exit") && names.contains("singlestep"))
    for name in names {
      let shown = try Program.run(["strategy", "show", name], environment: ["COLUMNS": "80"])
      #expect(shown.status == 0)
      for fact in ["switches", "notices", "completes", "contract", "sound", "needs", "blocked"] {
        #expect(shown.output.contains("  \(fact)"), "\(name)")
      }
      // The sum of all outcomes is the number of attacks.
      let attacks = shown.output.matches(of: /\bA\d+[a-z]?(?=,|\n|$)/).count
      #expect(attacks >= 25, "\(name): \(attacks)")
    }
  }

  @Test(arguments: [
    ["traces/quick.trace", "--counters-only"], ["strategy", "list"], ["strategy", "show", "ve"], ["profile", "list"],
    ["profile", "show"], ["attack", "--attack", "A9"], ["trace", "info", "traces/quick.trace"],
    ["trace", "stats", "traces/quick.trace"], ["traces/quick.trace", "--counters-only", "--histograms"],
    ["explain", "traces/quick.trace", "--strategy", "singlestep", "--event", "5"],
  ])
  func textFitsTheTerminal(_ arguments: [String]) throws {
    let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..").standardizedFileURL.path
    for columns in [80, 132] {
      let outcome = try Program.run(arguments, environment: ["COLUMNS": "\(columns)"], folder: root)
      #expect(outcome.status == 0)
      let widest = outcome.output.split(separator: "\n").max { $0.count < $1.count } ?? ""
      #expect(widest.count <= columns, "\(arguments): \(widest)")
    }
  }
}
