import Replay

extension Comparison {
  /// The comparison as a document.
  package var document: Document {
    let hasTraces = Set(rows.map(\.trace)).count > 1
    var blocks: [Document.Block] = []
    if !unlike.isEmpty {
      blocks.append(.list(unlike.map { Cell("Forced: \($0), so ratios tell little.", .doubtful) }))
    }
    blocks += pictures
    if !rows.isEmpty { blocks.append(.table(table(withTraces: hasTraces))) }
    if !notes.isEmpty { blocks.append(.list(notes.map { Cell($0) })) }
    blocks.append(.paragraph(closing))
    return Document(title: "\(names[1]) against \(names[0])", blocks: blocks)
  }

  /// The comparison as rows of comma-separated values, every figure exact.
  package var csv: String {
    CSVExporter.export(
      rows: [["trace", "strategy", "figure", "a", "b", "ratio", "ratio_low", "ratio_high", "verdict"]]
        + rows.map { row in
          let ratio = [row.ratio?.value, row.ratio?.low, row.ratio?.high].map { $0.map(Figure.exact) ?? "" }
          return [row.trace, row.strategy, row.figure, Figure.exact(row.a), Figure.exact(row.b)] + ratio
            + [row.verdict.rawValue]
        })
  }

  private func table(withTraces: Bool) -> Table {
    Table(
      caption:
        "b over a; the interval holds every value the costs may take within their brackets. Latencies are priced "
        + "at the middle values; host seconds were measured once and are not judged",
      columns: (withTraces ? [.words("trace")] : []) + [
        .words("strategy"), .words("figure"), .figure("a"), .figure("b"), .figure("ratio"), .figure("interval"),
        .words("verdict"),
      ],
      rows: rows.map { row in
        (withTraces ? [Cell(row.trace)] : []) + [
          Cell(row.strategy), Cell(row.figure), Cell(Figure.number(row.a)), Cell(Figure.number(row.b)),
          Cell(row.ratio.map { Figure.ratio($0.value) } ?? "-"), Cell(row.ratio.map(Self.interval) ?? "-"),
          Self.words(for: row),
        ]
      })
  }

  /// Ratios of what matters most, one picture a figure and recording.
  private var pictures: [Document.Block] {
    let traces = rows.reduce(into: [String]()) { if !$0.contains($1.trace) { $0.append($1.trace) } }
    return traces.flatMap { trace in
      ["overhead, cycles", "delivered p99, cycles"].compactMap { figure -> Document.Block? in
        let bars = rows.filter { $0.trace == trace && $0.figure == figure }.compactMap { row in
          row.ratio.map { BarChart.Bar(label: row.strategy, bracket: $0, tone: Self.words(for: row).tone) }
        }
        guard !bars.isEmpty else { return nil }
        let name = figure.split(separator: ",")[0] + (traces.count > 1 ? " of \(trace)" : "")
        return .picture(.bars(BarChart(title: "b over a, \(name)", unit: "", bars: bars, reference: 1)))
      }
    }
  }

  private static func interval(_ ratio: Bracket) -> String {
    ratio.low == ratio.high ? "exact" : "\(Figure.ratio(ratio.low)) to \(Figure.ratio(ratio.high))"
  }

  private static func words(for row: Row) -> Cell {
    switch row.verdict {
    case .same: "same"
    case .less: Cell("less", row.figure == "notifications" ? .doubtful : .good)
    case .more: Cell("more", row.figure == "notifications" ? .doubtful : .bad)
    case .undecided: Cell("undecided", .doubtful)
    case .different: Cell("not the same stores", .bad)
    case .unjudged: "not judged"
    }
  }
}
