import ArgumentParser
import Recordings

/// `gi-bench trace cut`: the part of a trace between two marks.
struct TraceCutCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "cut", abstract: "Take the part of a trace between two marks.",
    discussion:
      "Hypercalls, CR3 loads, mappings and marks from before the part are kept at its start, so that it can be replayed."
  )

  @Argument(help: "The trace; - is the standard input.")
  var trace: String

  @Option(help: "The mark at which the part begins. Default: the start.")
  var fromMark: String?

  @Option(help: "The mark before which the part ends. Default: the end.")
  var toMark: String?

  @Option(help: "The zstd level, 1 to 22.")
  var level = 19

  @Option(name: .shortAndLong, help: "The trace to write; - is the standard output.")
  var output: String

  func validate() throws {
    guard fromMark != nil || toMark != nil else {
      throw ValidationError("no mark to cut at; give --from-mark or --to-mark")
    }
    guard (1...22).contains(level) else { throw ValidationError("level \(level) is not 1 to 22; 19 is the default") }
  }

  func run() throws {
    try OutputClaims.check([output], inputs: [trace])
    let reader = try RecordingReader(path: trace)
    let summary = try ActivityLine.during("cutting \(trace)", reading: trace) {
      try RecordingCut(from: fromMark, to: toMark).write(reader, to: output, level: level)
    }
    StandardError.say(
      "\(output): \(summary.header.totals.writes) of \(reader.header.totals.writes) writes in \(summary.bytes) bytes, "
        + "digest \(summary.digest)")
  }
}
