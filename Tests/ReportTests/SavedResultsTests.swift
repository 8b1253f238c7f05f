import SeededRandom
import Foundation
import Testing

@testable import Replay
@testable import Report

@Suite("A saved result")
struct SavedResultsTests {
  private func decode(_ json: String) throws -> [RunResult] {
    try SavedResults.decode(Data(json.utf8), origin: "a.json")
  }

  @Test("is read back, alone or among several")
  func readBack() throws {
    let result = Fixture.result.roundedForExport()
    #expect(try decode(try JSONExporter.export([result])) == [result])
    #expect(try decode(" \n" + (try JSONExporter.export([result, result]))) == [result, result])
  }

  @Test(
    "that is damaged is refused in one sentence",
    arguments: [
      (
        "", "a.json: the top level cannot be read; expected a result saved by `gi-bench run --save`"
      ),
      ("[]", "a.json: is an array, expected an object; save it again"),
      ("{\"schema\": 2, \"results\": []}", "a.json: holds no result, expected one or more; save it again"),
      ("{}", "a.json: the top level lacks the key \"schema\"; expected a result saved by `gi-bench run --save`"),
      (
        "{\"schema\": 2, \"results\": [{\"schema\": 2}]}",
        "a.json: results[0] lacks the key \"tool\"; expected a result saved by `gi-bench run --save`"
      ),
      (
        "{\"schema\": \"1\"}",
        "a.json: schema has a value of the wrong kind; expected a result saved by `gi-bench run --save`"
      ),
      (
        String(repeating: "[", count: 100_000),
        "a.json: the top level cannot be read; expected a result saved by `gi-bench run --save`"
      ),
    ])
  func damaged(json: String, sentence: String) {
    #expect(throws: SavedResultError(description: sentence)) { try decode(json) }
  }

  @Test(
    "of another schema is not comparable",
    arguments: [
      (1, "{\"schema\": 1}"), (1, "[{\"schema\": 1}, {\"schema\": 1}]"), (3, "{\"schema\": 3}"),
      (1, "{\"schema\": 2, \"results\": [{\"schema\": 2}, {\"schema\": 1}]}"),
    ])
  func schema(found: Int, json: String) {
    let remedy =
      found == 1
      ? "an earlier gi-bench saved it, with one latency where there are raised, delivered and stall now: run it again "
        + "with this one" : "a later gi-bench saved it; read it with that one, or run it again with this one"
    #expect(throws: NotComparable("a.json: schema is \(found), expected 2; \(remedy)")) { try decode(json) }
  }

  @Test(
    "that breaks a rule is refused",
    arguments: [
      Change("profile.parameters gives l1_reference 0 times, expected once; save it again") {
        $0.profile.parameters.removeFirst()
      },
      Change("profile.parameters gives l1_reference 2 times, expected once; save it again") {
        $0.profile.parameters.append($0.profile.parameters[0])
      },
      Change("profile.parameters: l1_reference is not 0 <= low <= value <= high <= 1e9; save it again") {
        $0.profile.parameters[0].low = 11
      },
      Change("toggle has cycles that are not low <= value <= high; save it again") {
        $0.strategies[0].notifications.deliveredCycles?.p99.low = 1e12
      },
      Change("strategies is empty, expected one or more; save it again") { $0.strategies = [] },
      Change("strategies names one strategy twice, expected each once; save it again") {
        $0.strategies.append($0.strategies[0])
      },
      Change("toggle counts the unknown event \"moons\"; save it again with this gi-bench") {
        $0.strategies[0].counts["moons"] = 1
      },
      Change("toggle has cycles that are not low <= value <= high; save it again") {
        $0.strategies[0].overheadCycles.low = 1e12
      },
    ] as [Change<RunResult>])
  func rules(change: Change<RunResult>) throws {
    var result = Fixture.result
    change.apply(&result)
    let json = try JSONExporter.export([result])
    #expect(throws: SavedResultError(description: "a.json: " + change.expectation)) { try decode(json) }
  }

  @Test("cut off or altered anywhere never traps", arguments: [7, 8] as [UInt64])
  func mutations(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    let whole = Array(try JSONExporter.export([Fixture.result]).utf8)
    for _ in 0..<200 {
      var bytes = whole
      for _ in 0..<Int.random(in: 1...3, using: &random) {
        let i = Int.random(in: bytes.indices, using: &random)
        if Bool.random(using: &random) {
          bytes[i] = UInt8.random(in: 32...126, using: &random)
        } else {
          bytes.removeLast(i / 50)
        }
      }
      guard let results = try? SavedResults.decode(Data(bytes), origin: "a.json") else { continue }
      // What is accepted can be compared and exported.
      _ = try? Comparison(of: results, against: [Fixture.result], names: ("a", "b"), isForced: true).document
      _ = try report(on: results, as: .html)
    }
  }
}
