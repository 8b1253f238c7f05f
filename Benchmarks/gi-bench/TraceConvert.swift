import ArgumentParser
import WriteTrace

/// `gi-bench trace convert`: from the recorder and from other tools' logs to a trace, and from a trace to other formats.
struct TraceConvert: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "convert", abstract: "Import other formats as a trace, and export a trace to other formats.")

  enum Source: String, ExpressibleByArgument, CaseIterable {
    case recorder
  }

  @Argument(help: "The file to convert; - is standard input.")
  var input: String

  @Option(help: "What the input is.")
  var from: Source

  @Option(help: "The JSON description of the recording, as the recorder writes it.")
  var description: String

  @Option(name: .shortAndLong, help: "The file to write; - is standard output.")
  var output: String

  @Option(help: "Optional columns to keep: linear-pages, rip, value.")
  var columns: String = "linear-pages"

  @Option(help: "The zstd level, 1 to 22.")
  var level: Int = 19

  @Option var runs: Int = 1 << 19
  @Option var accesses: Int = 1 << 22

  @Flag(help: "Accept a stream that breaks off; the trace is marked incomplete.")
  var lenient = false

  func run() throws {
    var set: TraceColumns = []
    for name in columns.split(separator: ",") {
      if let c = TraceColumn.allCases.first(where: { $0.name == name }) { set.insert(TraceColumns(c)) }
    }
    let what = try TraceDescription(path: description)
    let writer = try TraceWriter(
      path: output, description: what,
      options: .init(columns: set, level: level, runsPerBlock: runs, accessesPerBlock: accesses))
    let report = try RecorderStream(name: input, allowsBrokenEnd: lenient).convert(
      InputStream(path: input), into: writer, ramBytes: what.guest.ramBytes)
    print(report.summary.header.totals, report.summary.bytes, report.summary.blocks, report.summary.digest)
    let r = try TraceReader(path: output)
    var sums: [String: Int] = [:]
    for b in r.blocks { for c in b.sizes { sums[c.0, default: 0] += c.1 } }
    print(sums)
  }
}
