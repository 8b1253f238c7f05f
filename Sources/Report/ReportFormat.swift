import Replay

/// The formats reports come in; one exporter each.
public enum ReportFormat: String, CaseIterable, Sendable {
  /// For a terminal or a log.
  case text
  /// Schema 2, keys sorted.
  case json
  /// One row a strategy.
  case csv
  /// GitHub-flavoured.
  case markdown
  /// One self-contained page with charts.
  case html
  /// What github-action-benchmark reads, for results of runs.
  case github
  /// Host time of notifications in place, as HdrHistogram writes percentiles, for results of runs.
  case hgrm
}

/// Results of runs in one of the formats.
public func report(
  on results: [RunResult], as format: ReportFormat, painted: Bool = false, width: Int? = nil
) throws -> String {
  func documents(_ detail: Detail) -> [Document] {
    [Summary(of: results)?.document].compactMap(\.self) + Spread.all(of: results).map(\.document)
      + results.map { $0.document(detail) }
  }
  return switch format {
  case .github: try GitHubExporter.export(results)
  case .hgrm: HGRMExporter.export(results)
  default:
    try rendered(
      documents, as: format, painted: painted, width: width, json: JSONExporter.export(results),
      csv: CSVExporter.export(results))
  }
}

/// Documents in one of the formats that any report comes in; JSON and comma-separated values hold their figures instead.
package func rendered(
  _ documents: (Detail) -> [Document], as format: ReportFormat, painted: Bool = false, width: Int? = nil,
  json: @autoclosure () throws -> String, csv: @autoclosure () throws -> String
) throws -> String {
  switch format {
  case .text: TextExporter(paints: painted, width: width).export(documents(.brief))
  case .json: try json()
  case .csv: try csv()
  case .markdown: MarkdownExporter.export(documents(.full))
  case .html: HTMLExporter.export(documents(.full))
  case .github, .hgrm: preconditionFailure("\(format) is a format of results alone, refused with the options")
  }
}
