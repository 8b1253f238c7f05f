import Foundation
import Replay
import Testing

@testable import Report

@Suite("Exporters")
struct ExporterTests {
  @Test("JSON read back is the rounded result, and exports to the same bytes")
  func jsonRoundTrip() throws {
    let text = try JSONExporter.export([Fixture.result])
    let back = try JSONDecoder().decode(RunResult.self, from: Data(text.utf8))
    #expect(back == Fixture.result.roundedForExport())
    #expect(try JSONExporter.export([back]) == text)
  }

  @Test("rounding leaves whole cycles and tenths, and is idempotent")
  func rounding() {
    let once = Fixture.result.roundedForExport()
    #expect(once.roundedForExport() == once)
    #expect(once.strategies[0].overheadCycles.value == 3_210_987_654)
    #expect(once.strategies[0].notifications.stages["walk"]?.p90 == 150)
    #expect(once.strategies[0].notifications.raisedCycles?.p50.low == 1173)
    var negative = Fixture.result
    negative.strategies[0].overheadCycles.low = -0.2
    #expect(negative.roundedForExport().strategies[0].overheadCycles.low.sign == .plus)
  }

  @Test("CSV has as many fields in every row as in its header, under unique names")
  func csvShape() {
    let rows = parsed(csv: CSVExporter.export([Fixture.hostile, Fixture.counted]))
    #expect(rows.count == 9)
    #expect(rows.allSatisfy { $0.count == rows[0].count })
    #expect(Set(rows[0]).count == rows[0].count)
    #expect(rows[1][0] == Terminal.printable(Fixture.hostile.trace.path), "a text that acts on no terminal")
  }

  @Test("CSV holds exact figures")
  func csvFigures() throws {
    let rows = parsed(csv: CSVExporter.export([Fixture.result]))
    func field(_ name: String, _ row: Int) throws -> String { rows[row][try #require(rows[0].firstIndex(of: name))] }
    #expect(try field("overhead_cycles", 1) == "3210987654")
    #expect(try field("raised_cycles_p50", 2) == "2345")
    #expect(try field("delivered_cycles_p999_high", 2) == "43200")
    #expect(try field("delivered_cycles_p50", 4) == "", "what is noticed late is never delivered in time")
    #expect(try field("lost_high", 2) == "21")
    #expect(try field("count_violation_exits", 2) == "20000")
    #expect(try field("late_max_instructions", 1) == "")
    #expect(try field("late_max_instructions", 4) == "1250000")
  }

  @Test("HTML needs nothing from elsewhere, and closes what it opens")
  func htmlIsSelfContained() throws {
    let page = try report(on: [Fixture.hostile, Fixture.result], as: .html)
    #expect(!page.contains("http") && !page.contains("src=") && !page.contains("@import") && !page.contains("url("))
    #expect(PageStructure(page).unbalanced == nil)
  }

  @Test("no format lets a recording's names act on terminal, browser or table")
  func hostileNames() throws {
    for format in [ReportFormat.text, .markdown, .html] {
      let text = try report(on: [Fixture.hostile], as: format)
      #expect(!text.unicodeScalars.contains { $0 != "\n" && $0.properties.generalCategory == .control }, "\(format)")
      #expect(!text.unicodeScalars.contains("\u{202E}"), "\(format)")
    }
    #expect(!(try report(on: [Fixture.hostile], as: .html)).contains("<script"))
    let markdown = try report(on: [Fixture.hostile], as: .markdown)
    #expect(!markdown.contains("<script") && markdown.contains("\\|\\*b\\*"))
  }

  @Test("running text stays within the width of a terminal")
  func wrapping() {
    let lines = Terminal.wrapped(String(repeating: "nineteen characters ", count: 40), indent: "    ")
    #expect(lines.count > 1)
    #expect(lines.allSatisfy { $0.count <= Terminal.width && $0.hasPrefix("    ") && !$0.hasSuffix(" ") })
    #expect(Terminal.wrapped("") == [""])
    let long = String(repeating: "x", count: 300)
    #expect(Terminal.wrapped(long) == [long])
  }

  private func parsed(csv: String) -> [[String]] {
    var rows: [[String]] = []
    var row: [String] = []
    var field = ""
    var isQuoted = false
    var scalars = Array(csv.unicodeScalars)[...]
    while let c = scalars.popFirst() {
      switch c {
      case "\"" where isQuoted && scalars.first == "\"": field.unicodeScalars.append(scalars.removeFirst())
      case "\"": isQuoted.toggle()
      case "," where !isQuoted:
        row.append(field)
        field = ""
      case "\r" where !isQuoted && scalars.first == "\n":
        scalars.removeFirst()
        rows.append(row + [field])
        (row, field) = ([], "")
      default: field.unicodeScalars.append(c)
      }
    }
    return rows
  }

}
