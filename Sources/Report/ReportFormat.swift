import Replay

/// The formats reports come in; one exporter each.
public enum ReportFormat: String, CaseIterable, Sendable {
  /// For a terminal or a log.
  case text
  /// Schema 1, keys sorted.
  case json
  /// One row a strategy.
  case csv
  /// GitHub-flavoured.
  case markdown
  /// One self-contained page with charts.
  case html
}

/// Results of runs in one of the formats.
public func report(on results: [RunResult], as format: ReportFormat, painted: Bool = false) throws -> String {
  switch format {
  case .text: TextExporter(paints: painted).export(results.map { $0.document(.brief) })
  case .json: try JSONExporter.export(results)
  case .csv: CSVExporter.export(results)
  case .markdown: MarkdownExporter.export(results.map { $0.document(.full) })
  case .html: HTMLExporter.export(results.map { $0.document(.full) })
  }
}
