import SeededRandom
import Testing

@testable import Report

/// Tables as text fit the width they are given.
@Suite struct TextLayoutTests {
  private static func table(_ random: inout SplitMix64) -> Table {
    func word() -> String { String(repeating: "x", count: Int((random.next() % 12)) + 1) }
    func words(_ most: UInt64) -> String {
      (0...(random.next() % most)).map { _ in word() }.joined(separator: " ")
    }
    let count = Int((random.next() % 9)) + 1
    let columns = (0..<count).map { _ in
      (random.next() % 2) == 0
        ? Table.Column.figure(words(3), rank: Int((random.next() % 3)))
        : .words(words(3), rank: Int((random.next() % 3)))
    }
    let tones: [Tone] = [.plain, .good, .bad, .doubtful]
    return Table(
      caption: words(20), columns: columns,
      rows: (0..<Int((random.next() % 6))).map { _ in
        columns.map { column in
          Cell(column.isFigure ? String((random.next() % 1_000_000)) : words(12), tones[Int((random.next() % 4))])
        }
      })
  }

  @Test(arguments: UInt64(1)...20) func everyLineFitsAndNoneEndsInBlanks(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    for _ in 0..<100 {
      let table = Self.table(&random)
      for width in [40, 80, 133] {
        let lines = TextLayout(table, width: width).lines(paints: false)
        #expect(lines.allSatisfy { $0.count <= max(width, 60) && !$0.hasSuffix(" ") }, "seed \(seed), width \(width)")
        // Colours change nothing but colours.
        let painted = TextLayout(table, width: width).lines(paints: true).map {
          $0.replacing(/\u{1B}\[\d*m/, with: "")
        }
        #expect(painted == lines, "seed \(seed), width \(width)")
      }
    }
  }

  @Test(arguments: UInt64(1)...20) func nothingIsLeftOutWhereThereIsRoom(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    for _ in 0..<100 {
      let table = Self.table(&random)
      let natural = TextLayout(table, width: nil).lines(paints: false)
      #expect(natural.count == table.rows.count + 2)
      let width = natural.map { $0.count }.max() ?? 0
      #expect(TextLayout(table, width: width).lines(paints: false) == natural, "seed \(seed)")
      // In a narrower one each cell's letters are there or its column is named as left out.
      let narrow = TextLayout(table, width: max(40, width / 2)).lines(paints: false)
      let letters = { (lines: [String]) in lines.joined().count { $0 == "x" } }
      if !narrow.contains(where: { $0.hasPrefix("(left out") }) {
        #expect(letters(narrow) == letters(natural), "seed \(seed)")
      }
    }
  }

  @Test func columnsOfGreaterRankGoFirst() {
    let table = Table(
      caption: "c",
      columns: [.words("name"), .figure("least", rank: 2), .figure("aaaaaaaaaaaaaaaa"), .figure("bbbbbbbbbbbbbbbb")],
      rows: [["n", "1234567890123456", "2", "3"]])
    #expect(
      TextLayout(table, width: 44).lines(paints: false) == [
        "name  aaaaaaaaaaaaaaaa  bbbbbbbbbbbbbbbb", "----  ----------------  ----------------",
        "n                    2                 3", "(left out for want of room: least)",
      ])
  }

  @Test func headingsFoldBeforeAnythingIsLeftOut() {
    let table = Table(
      caption: "c", columns: [.words("strategy"), .figure("per 1000 instructions"), .figure("late by p50")],
      rows: [["toggle", "3.96", "1.98 M"]])
    #expect(
      TextLayout(table, width: 40).lines(paints: false) == [
        "              per 1000    late", "strategy  instructions  by p50",
        "--------  ------------  ------", "toggle            3.96  1.98 M",
      ])
  }

  @Test func aSplitTableGoesOnBelowWithItsFirstColumn() {
    let table = Table(
      caption: "c", columns: [.words("attack")] + (1...4).map { .words("strategy-number-\($0)") },
      rows: [["A1", "blocked", "missed", "late", "detected"]], isSplit: true)
    let lines = TextLayout.lines(of: table, width: 46, paints: false)
    #expect(
      lines == [
        "attack  strategy-number-1  strategy-number-2", "------  -----------------  -----------------",
        "A1      blocked            missed", "", "attack  strategy-number-3  strategy-number-4",
        "------  -----------------  -----------------", "A1      late               detected",
      ])
    #expect(TextLayout.lines(of: table, width: nil, paints: false).count == 3)
  }
}
