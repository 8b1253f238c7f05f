import ArgumentParser
import WriteTrace

/// `gi-bench trace convert`: from the recorder's raw stream to a trace.
struct TraceConvert: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "convert", abstract: "Import the recorder's raw stream as a trace.")

  enum Source: String, ExpressibleByArgument, CaseIterable { case recorder }

  @Argument(help: "The file to convert; - is the standard input.")
  var input: String

  @Option(help: "What the input is.")
  var from: Source

  @Option(help: "The JSON description of the recording, as the recorder writes it.")
  var description: String

  @Option(name: .shortAndLong, help: "The trace to write; - is the standard output.")
  var output: String

  @Option(help: "Optional columns to keep, separated by commas: steps, linear-pages, rip, value.")
  var columns = "linear-pages"

  @Option(help: "The zstd level, 1 to 22.")
  var level = 19

  @Flag(help: "Accept a stream that breaks off; the trace is marked incomplete.")
  var lenient = false

  func validate() throws {
    _ = try columnSet
    guard (1...22).contains(level) else { throw ValidationError("level \(level) is not 1 to 22") }
  }

  private var columnSet: TraceColumns {
    get throws {
      let optional = TraceColumn.allCases.filter { !TraceColumns.always.contains(TraceColumns($0)) }
      return try columns.split(separator: ",").reduce(into: TraceColumns()) { set, name in
        guard let column = optional.first(where: { $0.name == name }) else {
          throw ValidationError(
            "no optional column is named \(name); " + Nearest.advice(for: String(name), in: optional.map(\.name)))
        }
        set.insert(TraceColumns(column))
      }
    }
  }

  func run() throws {
    let recording = try TraceDescription(path: description)
    let writer = try TraceWriter(
      path: output, description: recording, options: .init(columns: try columnSet, level: level))
    let report = try RecorderStream(name: input, allowsBrokenEnd: lenient).convert(
      InputStream(path: input), into: writer, ramBytes: recording.guest.ramBytes)
    StandardError.write(
      "\(output): \(report.summary.header.totals.writes) writes in \(report.summary.bytes) bytes, "
        + "\(report.deviceWrites) device writes left out, digest \(report.summary.digest)\n")
  }
}
