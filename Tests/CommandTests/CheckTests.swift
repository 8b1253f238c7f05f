import Foundation
import Testing

@testable import Replay
@testable import gi_bench

@Suite("gi-bench check")
struct CheckTests {
  private func edit(_ path: String, _ change: (inout [String: Any]) -> Void) throws {
    let url = URL(filePath: path)
    var result = try #require(try JSONSerialization.jsonObject(with: Data(contentsOf: url)) as? [String: Any])
    var strategies = try #require(result["strategies"] as? [[String: Any]])
    change(&strategies[1])
    result["strategies"] = strategies
    try JSONSerialization.data(withJSONObject: result).write(to: url)
  }

  private func add(_ amount: Int, to path: [String], in strategy: inout [String: Any]) {
    if path.count == 1 {
      strategy[path[0]] = (strategy[path[0]] as? Int ?? 0) + amount
    } else if var inner = strategy[path[0]] as? [String: Any] {
      add(amount, to: Array(path.dropFirst()), in: &inner)
      strategy[path[0]] = inner
    }
  }

  @Test("makes a baseline, agrees with it, and tells regression, improvement and change apart")
  func verdicts() throws {
    let folder = try Program.Folder()
    let trace = try SmallTrace.write(to: folder)
    let baseline = folder.path + "/baseline.json"
    let arguments = ["check", trace, "--baseline", baseline]
    try Program.expectFailure(
      arguments, status: 1, sentence: "\(baseline): no baseline there; make one with --update")
    let made = try Program.run(arguments + ["--update"])
    #expect(made.status == 0 && made.output == "" && made.error == "")
    let whole = try folder.text("baseline.json")
    let equal = try Program.run(arguments)
    #expect(equal.status == 0 && equal.output.contains("As the baseline, every count and cycle"))

    try edit(baseline) { add(1, to: ["counts", "entry_edits"], in: &$0) }
    let changed = try Program.run(arguments)
    #expect(changed.status == 0 && changed.output.contains("Changed at no cost: eptp-exit"))

    try edit(baseline) {
      add(1000, to: ["overhead_cycles", "value"], in: &$0); add(1000, to: ["overhead_cycles", "high"], in: &$0)
    }
    let improved = try Program.run(arguments)
    #expect(improved.status == 0 && improved.output.contains("Improved: eptp-exit; update the baseline"))

    try edit(baseline) {
      $0["notifications"] = ($0["notifications"] as? [String: Any])?.merging(["set_digest": "ff"]) { $1 }
    }
    let otherSet = try Program.run(arguments)
    #expect(otherSet.status == 2 && otherSet.output.contains("Regression: eptp-exit") && otherSet.error == "")

    #expect(try Program.run(arguments + ["--update"]).status == 0)
    #expect(try folder.text("baseline.json") == whole)
    #expect(try folder.names == ["baseline.json", "small.trace"])
  }

  @Test("of several recordings ends with status 2 if one is dearer, whichever it is")
  func oneOfSeveral() throws {
    let folder = try Program.Folder()
    let traces = try [40, 41, 42].map { try SmallTrace.write(to: folder, name: "\($0).trace", pages: $0) }
    let baseline = folder.path + "/baseline.json"
    let arguments = ["--strategy", "filter", "--strategy", "vmfunc", "--profile", "icelake-sp", "--baseline", baseline]
    #expect(try Program.run(["check"] + traces + arguments + ["--update"]).status == 0)
    let whole = try JSONSerialization.jsonObject(with: Data(contentsOf: URL(filePath: baseline))) as? [String: Any]
    for dear in 0..<3 {
      var results = try #require(whole?["results"] as? [[String: Any]])
      var strategies = try #require(results[dear]["strategies"] as? [[String: Any]])
      // The baseline is cheaper than what the run will say.
      for key in ["value", "low", "high"] { add(-1, to: ["overhead_cycles", key], in: &strategies[0]) }
      results[dear]["strategies"] = strategies
      try JSONSerialization.data(withJSONObject: ["schema": 2, "results": results])
        .write(to: URL(filePath: baseline))
      for order in [traces, traces.reversed()] {
        let outcome = try Program.run(["check"] + order + arguments)
        #expect(outcome.status == 2 && outcome.output.contains("Regression: filter"), "\(dear): \(outcome.error)")
      }
    }
  }

  @Test("keeps no baseline of strategies that contradict each other, and leaves the one that is there")
  func disagreement() throws {
    let folder = try Program.Folder()
    var results = try SavedFile.read(Program.savedResult)
    results[0].crosscheck = CrossCheck(agree: false, differences: ["filter missed a store"])
    for old in [nil, "what was there"] {
      if let old { _ = try folder.file("baseline", old) }
      let error = #expect(throws: Failure.self) {
        try Check.keep(results, in: OutputFile(folder.path + "/baseline"))
      }
      #expect(error?.status == .regression && error?.sentence.contains("no baseline was written") == true)
      #expect(try folder.names == (old == nil ? [] : ["baseline"]))
      if let old { #expect(try folder.text("baseline") == old) }
    }
    results[0].crosscheck = CrossCheck(agree: true, differences: [])
    try Check.keep(results, in: OutputFile(folder.path + "/baseline"))
    #expect(try SavedFile.read(folder.path + "/baseline").count == results.count)
  }

  @Test("ends with status 3 where recording, strategies or profile are not the baseline's")
  func notComparable() throws {
    let folder = try Program.Folder()
    let trace = try SmallTrace.write(to: folder)
    let baseline = folder.path + "/baseline.json"
    #expect(try Program.run(["check", trace, "--baseline", baseline, "--update"]).status == 0)
    for more in [["--strategy", "vmfunc"], ["--profile", "icelake-sp"]] {
      let outcome = try Program.run(["check", trace, "--baseline", baseline] + more)
      #expect(outcome.status == 3 && outcome.output == "")
      #expect(outcome.error.contains("--update") && outcome.error.split(separator: "\n").count == 1)
    }
    let other = try SmallTrace.write(to: folder, name: "other.trace", pages: 41)
    try Program.expectFailure(
      ["check", other, "--baseline", baseline], status: 3,
      sentence: "\(baseline) has no baseline of \(other); make one with --update")
    _ = try SmallTrace.write(to: folder, pages: 41)
    let replaced = try Program.run(["check", trace, "--baseline", baseline])
    #expect(replaced.status == 3 && replaced.error.contains("the recordings differ"))
  }

  @Test("times its own paths beside another build, and refuses what is none, whatever it prints")
  func host() throws {
    let folder = try Program.Folder()
    let trace = try SmallTrace.write(to: folder)
    let unprotected = ["check", trace, "--baseline", folder.path + "/unprotected.json"]
    #expect(try Program.run(unprotected + ["--update"]).status == 0)
    #expect(try Program.run(unprotected + ["--host", Program.path]).status == 3)
    let policy = try folder.file(
      "policy.json",
      #"{"schema": 1, "name": "mine", "regions": [{"name": "two", "gpa": "0x3000", "bytes": 4100}]}"#)
    let check = ["check", trace, "--policy", policy, "--baseline", folder.path + "/baseline.json"]
    #expect(try Program.run(check + ["--update"]).status == 0)
    // Whether a run on a busy machine finds a difference between a program and itself is for `make gate-test` to say.
    let same = try Program.run(check + ["--host", Program.path, "--format", "json"])
    #expect([0, 2].contains(same.status) && same.output.contains("\"pairs\" : 60"))
    #expect(try Program.run(check + ["--host", Program.path, "--update"]).status == 64)
    for (program, reason) in [
      ("/nonexistent", "cannot be run"), (folder.path, "cannot be run"), ("/bin/true", "(status 0)"),
      ("/bin/cat", "(status 1: "), ("/bin/yes", "signal 9"),
    ] {
      let outcome = try Program.run(check + ["--host", program])
      #expect(outcome.status == 1 && outcome.output == "" && outcome.error.hasPrefix("gi-bench: \(program): "))
      #expect(outcome.error.contains(reason) && outcome.error.split(separator: "\n").count == 1, "\(outcome.error)")
    }
  }

  @Test("ends whatever a program that is none of ours has started", arguments: ["sleep 99; echo", "sleep 99 & exit 3"])
  func group(script: String) throws {
    let folder = try Program.Folder()
    let program = try folder.file("program", "#!/bin/sh\n\(script)\n")
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: program)
    let task = #"{"strategy": "eptp-exit", "ranges": [[1, 2]], "guestBytes": 2097152, "slowdown": 0}"#
    let probe = try HostProbe(
      program, task: JSONDecoder().decode(HostRatioTask.self, from: Data(task.utf8)), seconds: 1)
    let start = ContinuousClock.now
    #expect(throws: Failure.self) { try probe.sample() }
    #expect(ContinuousClock.now - start < .seconds(30))
  }

  @Test("holds several recordings against one file")
  func several() throws {
    let folder = try Program.Folder()
    let traces = [
      try SmallTrace.write(to: folder), try SmallTrace.write(to: folder, name: "other.trace", pages: 41),
    ]
    let baseline = ["--baseline", folder.path + "/baseline.json"]
    #expect(try Program.run(["check"] + traces + baseline + ["--update"]).status == 0)
    let outcome = try Program.run(["check"] + traces.reversed() + baseline + ["--format", "json"])
    #expect(outcome.status == 0 && outcome.output.ranges(of: "\"findings\" : [").count == 2)
  }
}
