import Foundation
import Replay
import Testing

/// `gi-bench sweep` and `merge`, as processes.
@Suite struct SweepTests {
  private let folder: Program.Folder
  private let plan: String

  init() throws {
    folder = try Program.Folder()
    _ = try folder.file(
      "policy.json",
      #"{"schema": 1, "name": "first", "regions": [{"name": "first", "gpa": "0x0", "bytes": 65536}]}"#)
    plan = try folder.file("plan.json", Self.plan(seed: 1))
  }

  private static func plan(seed: Int, profiles: String = #""skylake-sp", "icelake-sp""#) -> String {
    """
    {"schema": 1, "name": "small", "strategies": ["toggle", "eptp-exit", "spp"], "recordings": [
       {"name": "zipf", "workload": "zipf", "writes": 20000, "pages": 64, "seed": 7},
       {"name": "uniform", "workload": "uniform", "writes": 20000, "pages": 64, "vcpus": 2, "seed": \(seed)}],
     "vary": {"policy": ["policy.json", null], "profile": [\(profiles)]}}
    """
  }

  @discardableResult
  private func run(_ arguments: String..., status: Int32 = 0) throws -> Program.Outcome {
    let outcome = try Program.run(arguments, folder: folder.path)
    #expect(outcome.status == status, "\(arguments): \(outcome.error)")
    return outcome
  }

  @Test func resultsOfManyProcessesAreThoseOfOne() throws {
    try run("sweep", plan, "-o", "many", "--jobs", "3")
    try run("sweep", plan, "-o", "one", "--in-process")
    // Two tasks of a cluster, each with its chunk.
    try run("sweep", plan, "-o", "chunks", "--prepare")
    for chunk in ["1/3", "2/3", "3/3"] { try run("sweep", "chunks", "--chunk", chunk, "--jobs", "1") }
    for name in ["many", "one", "chunks"] { try run("merge", name, "--quiet", "--export", "json=\(name).json") }
    let text = try folder.text("one.json")
    #expect(try folder.text("many.json") == text)
    #expect(try folder.text("chunks.json") == text)
    // A cell's result is that of `run` alone.
    let alone = try run(
      "run", "one/recordings/zipf.trace", "--policy", "policy.json", "--profile", "icelake-sp", "--strategy", "toggle",
      "--strategy", "eptp-exit", "--strategy", "spp", "--counters-only", "--format", "json")
    let merged = try #require(JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    let cells = try #require(merged["cells"] as? [[String: Any]])
    let cell = try #require(
      cells.first {
        let settings = $0["settings"] as? [String: String]
        return $0["recording"] as? String == "zipf" && settings?["profile"] == "icelake-sp"
          && settings?["policy"] != nil
      })
    func strategies(_ result: Any?) throws -> String {
      let result = try #require(result as? [String: Any])
      let data = try JSONSerialization.data(withJSONObject: result["strategies"] ?? [], options: .sortedKeys)
      return String(decoding: data, as: UTF8.self)
    }
    let expected = try JSONSerialization.jsonObject(with: Data(alone.output.utf8))
    #expect(try strategies(cell["result"]) == strategies(expected))
  }

  @Test func aSweepGoesOnWhereItWas() throws {
    try run("sweep", plan, "-o", "s")
    let cells = try FileManager.default.contentsOfDirectory(atPath: folder.path + "/s/cells").sorted()
    #expect(cells.count == 8)
    let kept = try folder.text("s/cells/\(cells[1])")
    try FileManager.default.removeItem(atPath: folder.path + "/s/cells/\(cells[0])")
    let (open, merge) = (try run("sweep", "s", "--open-chunks", "8"), try run("merge", "s", status: 2))
    #expect(open.output.split(separator: ",").count == 1)
    #expect(merge.output.isEmpty && merge.error.contains("1 missing"))
    let again = try run("sweep", "s")
    #expect(again.error.contains("8 of 8 cells done, 7 of them before"))
    #expect(try folder.text("s/cells/\(cells[1])") == kept)
    try run("merge", "s")
  }

  @Test func anotherPlanIsNotMixedIn() throws {
    try run("sweep", plan, "-o", "s")
    let other = try folder.file("other.json", Self.plan(seed: 2))
    let refused = try run("sweep", other, "-o", "s", status: 1)
    #expect(refused.error.contains("--extend"))
    // Half of the cells are the same.
    let extended = try run("sweep", other, "-o", "s", "--extend")
    #expect(extended.error.contains("8 of 8 cells done, 4 of them before"))
    #expect(try run("merge", "s").error.contains("of no cell of this plan"))
  }

  @Test func aFailedCellIsKeptApartWithItsMessage() throws {
    try run("sweep", plan, "-o", "s", "--prepare")
    let trace = folder.path + "/s/recordings/zipf.trace"
    let bytes = try Data(contentsOf: URL(filePath: trace))
    try bytes.prefix(bytes.count / 2).write(to: URL(filePath: trace))
    let failed = try run("sweep", "s", status: 1)
    #expect(failed.error.contains("4 of 8 cells failed"))
    let merge = try run("merge", "s", "--quiet", "--export", "json=s.json", status: 2)
    #expect(merge.error.split(separator: "\n").count { $0.hasPrefix("failed: zipf") } == 4)
    #expect(!FileManager.default.fileExists(atPath: folder.path + "/s.json"))
    // What is there can be looked at all the same.
    #expect(try run("merge", "s", "--partial", status: 2).output.contains("4 of 8"))
    try bytes.write(to: URL(filePath: trace))
    try run("sweep", "s")
    try run("merge", "s")
  }

  @Test func aResultOfSomethingElseIsRefused() throws {
    try run("sweep", plan, "-o", "s")
    let cells = try FileManager.default.contentsOfDirectory(atPath: folder.path + "/s/cells").sorted()
    let (first, second) = ("\(folder.path)/s/cells/\(cells[0])", "\(folder.path)/s/cells/\(cells[1])")
    try Data(#"{"schema": 1}"#.utf8).write(to: URL(filePath: first))
    try Data(folder.text("s/cells/\(cells[1])").replacing(giBenchVersion, with: "0.0.9").utf8).write(
      to: URL(filePath: second))
    let merge = try run("merge", "s", status: 2)
    #expect(merge.error.contains("2 with a result of something else"))
    #expect(merge.error.contains("of another version"))
  }

  @Test func aPlanThatNamesWhatDoesNotExistIsRefusedBeforeAnythingRuns() throws {
    for (text, words) in [
      (Self.plan(seed: 1, profiles: "\"skylake\""), "did you mean skylake-sp?"),
      (Self.plan(seed: 1, profiles: "\"nowhere/p.json\""), "nowhere/p.json"),
      (#"{"schema": 1, "name": "n", "recordings": ["missing.trace"]}"#, "missing.trace: no such file"),
      (
        #"{"schema": 1, "name": "n", "recordings": ["missing.trace"], "vary": {"dimensions": [3]}}"#,
        "dimensions"
      ),
      (
        #"{"schema": 1, "name": "n", "recordings": ["missing.trace"], "strategies": ["spp"], "vary": {"profile": ["skylake-sp"]}}"#,
        "offers none of spp"
      ),
    ] {
      let plan = try folder.file("bad.json", text)
      let outcome = try run("sweep", plan, "-o", "bad", status: 1)
      #expect(outcome.error.contains(words), "\(outcome.error)")
      #expect(!FileManager.default.fileExists(atPath: folder.path + "/bad"))
    }
  }

  @Test func usageIsChecked() throws {
    for arguments in [
      ["sweep", plan], ["sweep", plan, "-o", "s", "--jobs", "0"], ["sweep", plan, "-o", "s", "--chunk", "3/2"],
      ["sweep", plan, "-o", "s", "--tries", "0"], ["sweep", plan, "-o", "s", "--open-chunks", "0"],
      ["sweep", folder.path, "-o", "s"],
    ] {
      let outcome = try Program.run(arguments, folder: folder.path)
      #expect(outcome.status == 64, "\(arguments): \(outcome.error)")
    }
    #expect(try Program.run(["sweep", folder.path], folder: folder.path).error.contains("no manifest.json"))
    #expect(try Program.run(["merge", folder.path], folder: folder.path).error.contains("no manifest.json"))
  }

  @Test func aSweepIsTurnedByAnyDimension() throws {
    try run("sweep", plan, "-o", "s", "--quiet")
    let table = try run("merge", "s", "--pivot", "recording,profile", "--figure", "cheapest", "--format", "markdown")
    #expect(table.output.contains("| recording | skylake-sp | icelake-sp |"))
    #expect(try run("merge", "s", "--pivot", "recording,profil", status: 64).error.contains("did you mean profile?"))
    let csv = try run("merge", "s", "--format", "csv").output.split(separator: "\r\n")
    #expect(csv.count == 1 + 4 * 2 + 4 * 3, "a row a cell and strategy; Skylake-SP has no sub-page permissions")
    #expect(csv[0].hasPrefix("cell,vary_policy,vary_profile,trace,"))
    let columns = Set(csv.map { $0.split(separator: ",", omittingEmptySubsequences: false).count })
    #expect(columns.count == 1)
    #expect(try run("merge", "s", "--format", "html").output.contains("<circle"))
  }

  @Test func aFullDiskFailsCellsAndLosesNone() throws {
    // Only where one may mount.
    let place = folder.path + "/small"
    try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: false)
    guard mount("none", place, "tmpfs", 0, "size=160k") == 0 else { return }
    defer { umount(place) }
    let outcome = try run("sweep", plan, "-o", "small/s", "--jobs", "2", "--tries", "1", "--quiet", status: 1)
    #expect(outcome.error.contains("No space left on device") || outcome.error.contains("no space left"))
    // What is there is whole, and with room again the sweep goes on to what it would have been.
    let names = try FileManager.default.subpathsOfDirectory(atPath: place)
    #expect(!names.contains { $0.hasSuffix(".part") }, "\(names)")
    #expect(mount("none", place, "tmpfs", UInt(MS_REMOUNT), "size=16m") == 0)
    try run("sweep", "small/s", "--quiet")
    try run("sweep", plan, "-o", "whole", "--quiet")
    for name in ["small/s", "whole"] {
      try run("merge", name, "--quiet", "--export", "json=\(name.split(separator: "/")[0]).json")
    }
    #expect(try folder.text("small.json") == folder.text("whole.json"))
  }

  @Test func everyQuestionHasItsPicture() throws {
    let plan = try folder.file(
      "pictures.json",
      Self.plan(seed: 1).replacing(#""profile": ["#, with: #""consumer": ["poll", "vmi"], "profile": ["#))
    try run("sweep", plan, "-o", "p", "--quiet")
    let html = try run("merge", "p", "--format", "html").output
    for title in ["Cells in which each sound strategy costs least", "Overhead against notifications"] {
      #expect(html.contains(title), "\(title)")
    }
  }

  @Test func whatItTakesIsToldBeforehand() throws {
    let told = try run("sweep", plan, "--dry-run")
    #expect(told.output.contains("plan small: 8 cells"))
    #expect(try folder.names == ["plan.json", "policy.json"])
  }
}
