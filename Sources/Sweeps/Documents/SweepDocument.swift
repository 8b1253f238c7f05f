import Foundation
import Replay
import Report

extension SweepMerge {
  /// The report of a sweep: one part a question.
  package func document(_ detail: Detail, pivot: SweepPivot? = nil) -> Document {
    var blocks: [Document.Block] = [
      .facts([
        Document.Fact("plan", manifest.name),
        Document.Fact("cells", "\(rows.count) of \(manifest.cells.count)"),
        Document.Fact("digest", manifest.digest),
      ])
    ]
    if let pivot { blocks.append(.table(pivot.table(of: rows))) }
    func picture(_ chart: BarChart?) -> [Document.Block] {
      detail == .full ? chart.map { [.picture(.bars($0))] } ?? [] : []
    }
    blocks += [.heading("Which strategy costs least where")] + picture(winsChart) + [.table(winsTable)]
    if detail == .full || rows.count <= 24 { blocks.append(.table(winnersTable)) }
    blocks += [.heading("Overhead by strategy"), .table(spreadTable)]
    blocks += [.heading("Overhead against notifications")]
    if detail == .full { blocks.append(.picture(.scatter(notificationScatter))) }
    blocks.append(.table(rateTable(atMost: detail == .full ? rows.count : 24)))
    if let table = consumerTable {
      blocks += [.heading("Latency against the consumer")] + picture(consumerChart) + [.table(table)]
    }
    if let table = flipsTable { blocks += [.heading("Which cost decides")] + picture(flipsChart) + [.table(table)] }
    return Document(title: "gi-bench \(manifest.version): sweep \(manifest.name)", blocks: blocks)
  }

  /// What the cells' own settings are, in words, leaving out what they all share.
  private func label(_ cell: SweepCell) -> String {
    let shared = Set(manifest.cells.flatMap(\.settings.keys)).filter { key in
      Set(manifest.cells.map { $0.settings[key] }).count == 1
    }
    let own = cell.settings.filter { !shared.contains($0.key) }.sorted { $0.key < $1.key }.map(\.value)
    return ([cell.recording.split(separator: "/").last.map(String.init) ?? cell.recording] + own).joined(separator: " ")
  }

  /// Whether the second costs more than the first for every value inside the brackets taken each by itself.
  private func isClear(_ first: SweepRow.Entry, _ second: SweepRow.Entry) -> Bool {
    first.overhead.high < second.overhead.low
  }

  /// How many cells each strategy wins, and in how many of them by its whole bracket; most first.
  var wins: [(strategy: String, least: Int, clear: Int)] {
    var wins: [String: (least: Int, clear: Int)] = [:]
    for row in rows {
      let order = row.soundByOverhead
      guard let first = order.first else { continue }
      wins[first.strategy, default: (0, 0)].least += 1
      if order.count == 1 || isClear(first, order[1]) { wins[first.strategy, default: (0, 0)].clear += 1 }
    }
    return wins.sorted { ($1.value.least, $0.key) < ($0.value.least, $1.key) }.map { ($0, $1.least, $1.clear) }
  }

  private var winsTable: Table {
    Table(
      caption:
        "Cells in which a strategy costs least of those that are sound; clear: its whole bracket lies below the next one's",
      columns: [.words("strategy"), .figure("cells"), .figure("clear")],
      rows: wins.map { [Cell($0.strategy), Cell(String($0.least)), Cell(String($0.clear))] })
  }

  private var winnersTable: Table {
    Table(
      caption: "The cheapest sound strategy of each cell, and the next; modelled cycles",
      columns: [
        .words("cell"), .words("cheapest"), .figure("overhead"), .figure("low to high"), .words("next"),
        .figure("ratio"),
      ],
      rows: rows.map { row in
        let order = row.soundByOverhead
        guard let first = order.first else { return [Cell(label(row.cell)), Cell("nothing was notified", .doubtful)] }
        let next = order.dropFirst().first
        return [
          Cell(label(row.cell)),
          Cell(first.strategy, next.map { isClear(first, $0) ? .good : .doubtful } ?? .plain),
          Cell(Figure.number(first.overhead.value)), Cell(Figure.range(first.overhead)), Cell(next?.strategy ?? "-"),
          Cell(next.map { Figure.ratio($0.overhead.value / first.overhead.value) } ?? "-"),
        ]
      })
  }

  /// Strategies in the order in which they first appear.
  private var strategies: [String] {
    rows.flatMap(\.entries).reduce(into: []) { if !$0.contains($1.strategy) { $0.append($1.strategy) } }
  }

  private var spreadTable: Table {
    Table(
      caption: "Modelled overhead in cycles over all cells, at the profiles' values",
      columns: [.words("strategy"), .figure("cells"), .figure("least"), .figure("median"), .figure("greatest")],
      rows: strategies.map { name in
        let values = rows.flatMap(\.entries).filter { $0.strategy == name }.map(\.overhead.value).sorted()
        return [Cell(name), Cell(String(values.count))]
          + [values[0], values[(values.count - 1) / 2], values[values.count - 1]].map { Cell(Figure.number($0)) }
      })
  }

  private func perMillion(_ n: Double, _ row: SweepRow) -> Double { n * 1e6 / Double(max(row.instructions, 1)) }

  private func rateTable(atMost limit: Int) -> Table {
    let order = rows.sorted {
      perMillion(Double($0.entries.map(\.notifications).max() ?? 0), $0)
        > perMillion(Double($1.entries.map(\.notifications).max() ?? 0), $1)
    }
    let left = rows.count > limit ? "; the \(limit) with most of \(rows.count) cells" : ""
    return Table(
      caption: "Notifications per million instructions, and each strategy's overhead in cycles per million\(left)",
      columns: [.words("cell"), .figure("notified")] + strategies.map { .figure($0) },
      rows: order.prefix(limit).map { row in
        [
          Cell(label(row.cell)),
          Cell(Figure.number(perMillion(Double(row.entries.map(\.notifications).max() ?? 0), row))),
        ]
          + strategies.map { name in
            Cell(
              row.entries.first { $0.strategy == name }.map { Figure.number(perMillion($0.overhead.value, row)) } ?? "-"
            )
          }
      })
  }

  private var notificationScatter: ScatterChart {
    ScatterChart(
      title: "Overhead against notifications, a point a cell and strategy",
      x: "notifications per million instructions", y: "cycles per million instructions",
      series: strategies.map { name in
        ScatterChart.Series(
          name: name,
          points: rows.flatMap { row in
            row.entries.filter { $0.strategy == name }.map {
              ScatterChart.Point(
                x: perMillion(Double($0.notifications), row), y: perMillion($0.overhead.value, row),
                label: label(row.cell))
            }
          })
      })
  }

  /// How long alerts take to their consumer, where the plan varies who that is.
  private var consumerTable: Table? {
    guard Set(manifest.cells.map { $0.settings["consumer"] }).count > 1 else { return nil }
    return Table(
      caption:
        "Delivered latency in modelled cycles of the cheapest sound strategy, low to high over the corners; alerts lost",
      columns: [
        .words("cell"), .words("strategy"), .figure("p50"), .figure("low to high"), .figure("p99"),
        .figure("low to high"),
        .figure("lost"),
      ],
      rows: rows.compactMap { row in
        guard let entry = row.soundByOverhead.first, let delivered = entry.delivered else { return nil }
        return [
          Cell(label(row.cell)), Cell(entry.strategy), Cell(Figure.number(delivered.p50.value)),
          Cell(Figure.range(delivered.p50)), Cell(Figure.number(delivered.p99.value)),
          Cell(Figure.range(delivered.p99)),
          Cell(entry.lost.map { Figure.number($0.value) } ?? "-"),
        ]
      })
  }

  /// In how many cells a cost alone changes the order of how many pairs; most pairs first.
  var flips: [(cost: CostParameter, cells: Int, pairs: Int)] {
    let counts = rows.reduce(into: [CostParameter: (cells: Int, pairs: Int)]()) { counts, row in
      for (cost, pairs) in row.flips {
        counts[cost, default: (0, 0)].cells += 1
        counts[cost, default: (0, 0)].pairs += pairs
      }
    }
    return counts.sorted { ($1.value.pairs, $0.key.rawValue) < ($0.value.pairs, $1.key.rawValue) }.map {
      ($0, $1.cells, $1.pairs)
    }
  }

  private var flipsTable: Table? {
    guard !flips.isEmpty else { return nil }
    return Table(
      caption: "Costs that alone, within their brackets, change the order of two strategies",
      columns: [.words("cost"), .figure("cells"), .figure("pairs")],
      rows: flips.map { [Cell($0.cost.rawValue), Cell(String($0.cells)), Cell(String($0.pairs))] })
  }
}
