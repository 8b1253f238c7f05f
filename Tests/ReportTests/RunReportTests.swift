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
    let both = Fixture.recordings(Fixture.result, Fixture.counted)
    for format in ReportFormat.allCases {
      let text = try report(on: both, as: format)
      #expect(text.ranges(of: "traces/boot.trace").count >= 2, "\(format)")
    }
    let json = try report(on: both, as: .json)
    #expect(try SavedResults.decode(Data(json.utf8), origin: "two.json").count == 2)
    #expect(json.contains("\"summary\""))
  }

  @Test("ranks by contract, never in one list, and says of each order how sure it is")
  func ranking() {
    let notes = Fixture.result.rankingNotes.map(\.text)
    #expect(
      notes == [
        "sound: spp, then eptp-exit (robust).", "sound inside the guest: toggle.", "detection only, late: pml.",
      ])
    var result = Fixture.result
    result.pairs?[1].verdict = .undecided
    result.pairs?[1].share = 0.5
    result.rankings?[.sound]?.robust = [false]
    #expect(
      result.rankingNotes[0] == Cell("sound: spp, then eptp-exit (undecided, holds in 50 % of the box).", .doubtful))
    // A result of an earlier version tells nothing of it.
    result.rankings = nil
    #expect(result.rankingNotes.isEmpty && result.answerNotes.isEmpty && result.regionCostTable == nil)
  }

  @Test("tells every pair from both sides")
  func matrix() throws {
    let table = try #require(Fixture.result.pairTable)
    let names = table.columns.dropFirst().map(\.title)
    func cell(_ row: String, _ column: String) throws -> String {
      let cells = try #require(table.rows.first { $0[0].text == row })
      return cells[try #require(names.firstIndex(of: column)) + 1].text
    }
    #expect(try cell("spp", "toggle") == "<3 97" && cell("toggle", "spp") == ">3 97")
    #expect(try cell("pml", "eptp-exit") == "<? 63" && cell("eptp-exit", "spp") == "> robust")
    #expect(try cell("eptp-exit", "toggle") == "= same" && cell("spp", "spp") == "-")
  }

  @Test("answers first: what costs least of each contract, and what fits a budget")
  func answerFirst() throws {
    let lines = try report(on: [Fixture.result], as: .text).split(separator: "\n", omittingEmptySubsequences: false)
    #expect(lines[1].hasPrefix("  - sound: spp costs least,"))
    let facts = try #require(lines.firstIndex(of: "What was run"))
    let budget = try #require(lines.firstIndex(of: "Within 1 %"))
    #expect(budget < facts)
  }

  @Test("keeps its verdicts within 80 columns")
  func width() {
    let result = Fixture.result
    let tables =
      [
        result.pairTable, result.structureTable, result.evidenceTable, result.armedTable, result.regionCostTable,
      ].compactMap(\.self)
      + result.budgetBlocks.compactMap { if case .table(let table) = $0 { table } else { nil } }
    #expect(tables.count == 6)
    for table in tables {
      let rows = Table(caption: "", columns: table.columns, rows: table.rows)
      for line in TextExporter().export([Document(title: "", blocks: [.table(rows)])]).split(separator: "\n") {
        #expect(line.count <= 80, "\(line)")
      }
    }
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
