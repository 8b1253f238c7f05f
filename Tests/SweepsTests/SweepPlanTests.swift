import Foundation
import Replay
import Testing

@testable import Sweeps

@Suite struct SweepPlanTests {
  private func plan(_ text: String) throws -> SweepPlan { try SweepPlan(json: Data(text.utf8), origin: "p.json") }

  @Test func combinationsAreTheProductOfAllValuesTheLastOptionFastest() throws {
    let plan = try plan(
      """
      {"schema": 1, "name": "n", "recordings": ["a.trace"],
       "vary": {"profile": ["skylake-sp", "icelake-sp"], "dimensions": [1, 2], "policy": [null]}}
      """)
    #expect(plan.cellCount == 4)
    #expect(plan.axes.map(\.option) == ["dimensions", "policy", "profile"])
    #expect(
      plan.combinations == [
        ["dimensions": "1", "profile": "skylake-sp"], ["dimensions": "1", "profile": "icelake-sp"],
        ["dimensions": "2", "profile": "skylake-sp"], ["dimensions": "2", "profile": "icelake-sp"],
      ])
  }

  @Test func withoutAxesARecordingIsOneCell() throws {
    let plan = try plan(#"{"schema": 1, "name": "n", "recordings": ["a.trace", "b.trace"]}"#)
    #expect(plan.cellCount == 2)
    #expect(plan.combinations == [[:]])
  }

  static let refused: [(text: String, words: [String])] = [
    ("", ["not JSON"]),
    ("[]", ["no object"]),
    (#"{"schema": 2}"#, ["schema is not 1"]),
    (#"{"schema": 1}"#, ["name is no text"]),
    (#"{"schema": 1, "name": "n"}"#, ["recordings is no list"]),
    (#"{"schema": 1, "name": "n", "recordings": []}"#, ["recordings is no list"]),
    (#"{"schema": 1, "name": "n", "recordings": [1]}"#, ["recordings[0]", "neither a path nor an object"]),
    (#"{"schema": 1, "name": "n", "recordings": ["a", "a"]}"#, ["recordings[1]", "second time"]),
    (#"{"schema": 1, "name": "n", "recordings": ["a"], "vari": {}}"#, ["vari", "did you mean vary?"]),
    (#"{"schema": 1, "name": "n", "recordings": ["a"], "strategies": ["filtre"]}"#, ["did you mean filter?"]),
    (#"{"schema": 1, "name": "n", "recordings": ["a"], "strategies": []}"#, ["strategies is no list"]),
    (#"{"schema": 1, "name": "n", "recordings": ["a"], "vary": {"profil": ["x"]}}"#, ["did you mean profile?"]),
    (#"{"schema": 1, "name": "n", "recordings": ["a"], "vary": {"profile": []}}"#, ["profile is no list"]),
    (#"{"schema": 1, "name": "n", "recordings": ["a"], "vary": {"profile": [true]}}"#, ["profile[0]", "no value"]),
    (#"{"schema": 1, "name": "n", "recordings": ["a"], "vary": {"arm": ["x", "x"]}}"#, ["one value twice"]),
    (#"{"schema": 1, "name": "n", "recordings": ["a"], "host_times": 1}"#, ["neither true nor false"]),
    (
      #"{"schema": 1, "name": "n", "recordings": [{"name": "../x", "workload": "zipf"}]}"#,
      ["'../x'", "letters, digits and dashes"]
    ),
    (#"{"schema": 1, "name": "n", "recordings": [{"name": "x", "workload": "zip"}]}"#, ["did you mean zipf?"]),
    (
      #"{"schema": 1, "name": "n", "recordings": [{"name": "x", "workload": "zipf", "writes": 0}]}"#,
      ["writes is 0", "1 to"]
    ),
    (
      #"{"schema": 1, "name": "n", "recordings": [{"name": "x", "workload": "zipf", "vcpus": 257}]}"#,
      ["vcpus is 257", "1 to 256"]
    ),
  ]

  @Test(arguments: refused) func whatIsWrongIsSaidInOneSentence(_ refused: (text: String, words: [String])) {
    let error = #expect(throws: ReplayError.self) { try plan(refused.text) }
    let sentence = error?.description ?? ""
    #expect(sentence.hasPrefix("p.json: "))
    for word in refused.words { #expect(sentence.contains(word), "\(sentence)") }
  }

  @Test func moreCellsThanCanBeKeptAreRefused() {
    let values = (0..<400).map { "\"\($0)\"" }.joined(separator: ",")
    let text =
      #"{"schema": 1, "name": "n", "recordings": ["a"], "vary": {"arm": [\#(values)], "policy": [\#(values)]}}"#
    let error = #expect(throws: ReplayError.self) { try plan(text) }
    #expect(error?.description.contains("more than 100000 cells") == true)
  }

  @Test func aCellIsNamedByAllThatItsResultDependsOn() {
    func id(
      recording: String = "a", settings: [String: String] = ["profile": "p"], strategies: [String] = ["x", "y"],
      inputs: [String: String] = ["a": "1"], version: String = "1"
    ) -> String {
      SweepCell(recording: recording, settings: settings, strategies: strategies, inputs: inputs, version: version).id
    }
    let ids = [
      id(), id(recording: "b"), id(settings: ["profile": "q"]), id(settings: [:]), id(strategies: ["y", "x"]),
      id(strategies: ["x"]), id(inputs: ["a": "2"]), id(inputs: ["a": "1", "f": "1"]), id(version: "2"),
    ]
    #expect(Set(ids).count == ids.count)
    #expect(id() == ids[0])
  }

  @Test func chunksShareOutTheCells() {
    let cells = (0..<10).map {
      SweepCell(recording: "\($0)", settings: [:], strategies: ["x"], inputs: [:], version: "1")
    }
    let manifest = SweepManifest(name: "n", version: "1", readsClock: false, generated: [:], cells: cells)
    for count in [1, 3, 7, 10, 12] {
      let chunks = (1...count).map { manifest.chunk($0, of: count) }
      #expect(chunks.joined().map(\.id).sorted() == cells.map(\.id).sorted())
      #expect(chunks.map(\.count).max()! - chunks.map(\.count).min()! <= 1)
    }
  }
}
