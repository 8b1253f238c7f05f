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

/// Results of runs in one of the formats. Those that were saved count beside the others, and are told of one by one only where
/// figures alone are asked for, or where there is just one.
public func report(
  on replayed: [RunResult], beside saved: [RunResult] = [], as format: ReportFormat, painted: Bool = false,
  width: Int? = nil
) throws -> String {
  let results = saved + replayed
  func documents(_ detail: Detail) -> [Document] {
    [Summary(of: results)?.document].compactMap(\.self) + Spread.all(of: results).map(\.document)
      + (results.count == 1 ? results : replayed).map { $0.document(detail) }
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

/// Why results cannot be counted together; nil if they can.
public func objection(toCountingTogether results: [RunResult]) -> String? {
  guard let first = results.first else { return nil }
  for other in results.dropFirst() {
    let differences = Likeness.differences(first, other, ofOneRecording: false)
    guard differences.isEmpty else {
      return "\(first.trace.path) and \(other.trace.path) cannot be counted together: "
        + differences.joined(separator: "; ") + "; run one again as the other was"
    }
  }
  return nil
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
