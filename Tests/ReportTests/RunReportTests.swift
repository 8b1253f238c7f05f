import Foundation
import Replay
import Testing

@testable import Report

@Suite("A run's report")
struct RunReportTests {
  @Test(
    "is what was reviewed, in every format",
    arguments: [
      (ReportFormat.text, "run.txt"), (.json, "run.json"), (.csv, "run.csv"), (.markdown, "run.md"),
      (.html, "run.html"),
    ])
  func golden(format: ReportFormat, file: String) throws {
    try expectGolden(try report(on: [Fixture.result], as: format), file)
  }

  @Test("shows no host figure when nothing was timed")
  func countersOnly() throws {
    try expectGolden(try report(on: [Fixture.counted], as: .text), "counters-only.txt")
    for format in [ReportFormat.json, .csv, .markdown, .html] {
      let text = try report(on: [Fixture.counted], as: format)
      #expect(!text.contains("Example CPU") && !text.contains("0.1414") && !text.contains("998000000"))
    }
  }

  @Test("painted and plain say the same")
  func paint() throws {
    let painted = try report(on: [Fixture.result], as: .text, painted: true)
    let plain = try report(on: [Fixture.result], as: .text)
    #expect(painted != plain)
    #expect(painted.replacing(/\u{1B}\[[0-9]*m/, with: "") == plain)
  }

  @Test("of two runs holds both")
  func two() throws {
    for format in ReportFormat.allCases {
      let text = try report(on: [Fixture.result, Fixture.counted], as: format)
      #expect(text.ranges(of: "traces/boot.trace").count >= 2, "\(format)")
    }
    let json = try report(on: [Fixture.result, Fixture.counted], as: .json)
    #expect(try SavedResults.decode(Data(json.utf8), origin: "two.json").count == 2)
    #expect(json.contains("\"summary\""))
  }

  @Test("names undecided and robust neighbours of the ranking")
  func ranking() {
    let notes = Fixture.result.rankingNotes
    #expect(notes.map(\.tone) == [.plain, .plain, .doubtful, .plain])
    #expect(notes[2].text == "eptp-exit or pml: undecided, the order flips inside the brackets.")
  }

  @Test("counts a missing robustness as undecided")
  func shortRanking() {
    var result = Fixture.result
    result.ranking.robust = []
    #expect(result.rankingNotes.dropFirst().allSatisfy { $0.tone == .doubtful })
  }

  @Test("survives a recording without instructions, strategies or notifications")
  func empty() throws {
    var result = Fixture.counted
    result.trace.instructions = 0
    result.strategies = []
    result.ranking.order = []
    result.ranking.robust = []
    for format in ReportFormat.allCases { _ = try report(on: [result], as: format) }
    #expect(try report(on: [result], as: .text).contains("none."))
  }
}
