import Addresses
import ArgumentParser
import Foundation
import Report
import Recordings

/// `gi-bench trace stats`: pages, runs, the working set over time, the hottest pages, what hits which region.
struct TraceStats: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "stats", abstract: "Count pages, runs, the working set over time, hot pages, hits on regions.")

  @Argument(help: "The trace; - is the standard input.")
  var trace: String

  @Option(help: "Count what follows the first mark of this name.")
  var fromMark: String?

  @Option(help: "How many slices the working set is counted in, 1 to 100000.")
  var slices: UInt64 = 20

  @Option(help: "How many of the hottest pages are listed.")
  var hottest = 20

  @Option(help: "Format of the answer.")
  var format = AnswerFormat.text

  @Flag(help: "Read the whole blocks of a truncated trace.")
  var salvage = false

  func validate() throws {
    guard (1...100_000).contains(slices) else { throw ValidationError("\(slices) slices; give 1 to 100000") }
    guard hottest >= 0 else { throw ValidationError("\(hottest) pages; give 0 or more") }
  }

  func run() throws {
    let reader = try RecordingReader(path: trace, salvage: salvage)
    reader.tellSalvaged(of: trace)
    let statistics = try ActivityLine.during("counting \(trace)", reading: trace) {
      try RecordingStatistics(reader, slices: slices, hottest: hottest, from: fromMark)
    }
    switch format {
    case .json:
      try OutputFile.writeStandardOutput(JSONExporter.encode(statistics, keys: .convertToSnakeCase))
    case .text: try OutputFile.writeStandardOutput(text(statistics))
    }
  }

  private func text(_ statistics: RecordingStatistics) -> String {
    var lines = ["\(statistics.writes) writes, \(statistics.runs) runs, \(statistics.pages) pages"]
    lines += statistics.cautions ?? []
    lines.append("\nruns by accesses")
    lines += statistics.runLengths.map { row([("\($0.atLeast)+", 12), ("\($0.runs)", 12)]) }
    lines.append("\nworking set" + row([("from write", 17), ("runs", 12), ("pages", 10), ("new", 10)]))
    lines += statistics.slices.map { slice in
      row([("\(slice.firstWrite)", 28), ("\(slice.runs)", 12), ("\(slice.pages)", 10), ("\(slice.newPages)", 10)])
    }
    lines.append("\nhottest pages" + row([("accesses", 15), ("runs", 12)]))
    lines += statistics.hottest.map { page in
      let figures = row([(hex(page.page), 14), ("\(page.accesses)", 14), ("\(page.runs)", 12)])
      return page.targets.isEmpty ? figures : fitted(figures + "  " + page.targets.map(\.text).joined(separator: ", "))
    }
    if !statistics.regions.isEmpty {
      lines.append("\nregion              " + row([("pages", 8), ("by page", 12), ("exact", 12)]))
      lines += statistics.regions.map { region in
        Terminal.printable(region.name).padding(toLength: 20, withPad: " ", startingAt: 0)
          + row([("\(region.pages)", 8), ("\(region.byPage)", 12), ("\(region.exact)", 12)])
      }
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// The line, safe on a terminal, cut to its width.
  private func fitted(_ line: String) -> String {
    let safe = Terminal.printable(line)
    return safe.count <= ConsoleOptions.columns ? safe : safe.prefix(ConsoleOptions.columns - 1) + "…"
  }

  private func row(_ cells: [(String, Int)]) -> String {
    cells.map { String(repeating: " ", count: max($1 - $0.count, 1)) + $0 }.joined()
  }
}
