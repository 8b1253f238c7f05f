import ArgumentParser
import Report

/// `gi-bench compare`: two saved results side by side.
struct Compare: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Compare two saved results: ratio, interval, verdict.",
    discussion: """
      The interval contains every ratio that the costs allow within their brackets; if it contains 1, the verdict is undecided. \
      Host seconds are shown and not judged. Results of other recordings, policies or profiles are refused with exit \
      status 3. `compare` only tells, `check` judges: a dearer result is no failure here.

      EXAMPLES:
        gi-bench compare before.json after.json
        gi-bench compare before.json after.json --changed
        gi-bench compare before.json after.json --format markdown

      \(ExitStatus.help)
      """)

  @Argument(help: "The first result, saved by `run --save`.", completion: .file(extensions: ["json"])) var a: String
  @Argument(help: "The second result.", completion: .file(extensions: ["json"])) var b: String

  @Flag(help: "Compare unlike results anyway.") var force = false

  @Flag(name: .customLong("changed"), help: "Leave out what is the same.") var isOnlyChanged = false

  @OptionGroup(title: "Output") var output: OutputOptions
  @OptionGroup(title: "Terminal") var console: ConsoleOptions

  func run() throws {
    let destinations = try output.destinations(console: console, inputs: [a, b])
    let results = try [a, b].map(SavedFile.read)
    var comparison = try Comparison(of: results[1], against: results[0], names: (a, b), isForced: force)
    if isOnlyChanged { comparison.rows.removeAll { $0.verdict == .same } }
    try destinations.write { format, paints in
      try rendered(
        { _ in [comparison.document] }, as: format, painted: paints, width: ConsoleOptions.columns,
        json: JSONExporter.encode(comparison), csv: comparison.csv)
    }
  }
}
