import Replay
import Report

/// A table of one figure over two dimensions of a sweep.
package struct SweepPivot: Equatable, Sendable {
  /// What the rows are: `recording`, `strategy`, or an option that the plan varies.
  package var rows: String
  /// What the columns are.
  package var columns: String
  /// What stands in each field.
  package var figure: Figure

  /// A figure of one strategy in one cell, and how several become one.
  package enum Figure: String, CaseIterable, Sendable {
    /// Modelled overhead at the profile's values: the median over the cells of a field.
    case overhead
    /// Notifications: the median likewise.
    case notifications
    /// The sound strategy that costs least in most cells.
    case cheapest
  }

  /// A pivot from its parts.
  package init(rows: String, columns: String, figure: Figure) {
    self.rows = rows
    self.columns = columns
    self.figure = figure
  }

  /// What a sweep can be turned by.
  package static func dimensions(of manifest: SweepManifest) -> [String] {
    ["recording", "strategy"] + Set(manifest.cells.flatMap(\.settings.keys)).sorted()
  }

  private func value(_ dimension: String, _ row: SweepRow, _ entry: SweepRow.Entry) -> String {
    switch dimension {
    case "recording": row.cell.recording
    case "strategy": entry.strategy
    default: row.cell.settings[dimension] ?? "default"
    }
  }

  func table(of cells: [SweepRow]) -> Table {
    typealias Field = (row: SweepRow, entry: SweepRow.Entry)
    var fields: [String: [String: [Field]]] = [:]
    var (rowNames, columnNames): ([String], [String]) = ([], [])
    for row in cells {
      // The cheapest is looked for among all strategies of a cell, so it is one field's once.
      for entry in figure == .cheapest ? Array(row.soundByOverhead.prefix(1)) : row.entries {
        let (r, c) = (value(rows, row, entry), value(columns, row, entry))
        if !rowNames.contains(r) { rowNames.append(r) }
        if !columnNames.contains(c) { columnNames.append(c) }
        fields[r, default: [:]][c, default: []].append((row, entry))
      }
    }
    let what =
      switch figure {
      case .overhead: "Median modelled overhead in cycles"
      case .notifications: "Median number of notifications"
      case .cheapest: "The sound strategy that costs least, with the cells it does so in"
      }
    return Table(
      caption: "\(what), by \(rows) and \(columns)",
      columns: [.words(rows)] + columnNames.map { figure == .cheapest ? .words($0) : .figure($0) },
      rows: rowNames.map { r in
        [Cell(r)] + columnNames.map { c in Cell(fields[r]?[c].map { text(of: $0.map(\.entry)) } ?? "-") }
      })
  }

  private func text(of entries: [SweepRow.Entry]) -> String {
    func median(_ values: [Double]) -> String { Report.Figure.number(values.sorted()[(values.count - 1) / 2]) }
    switch figure {
    case .overhead: return median(entries.map(\.overhead.value))
    case .notifications: return median(entries.map { Double($0.notifications) })
    case .cheapest:
      let counts = Dictionary(entries.map { ($0.strategy, 1) }, uniquingKeysWith: +)
      let best = counts.min { ($1.value, $0.key) < ($0.value, $1.key) }!
      return best.value == entries.count ? best.key : "\(best.key) (\(best.value) of \(entries.count))"
    }
  }
}
