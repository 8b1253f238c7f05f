import ArgumentParser
import Replay
import Report
import Sweeps

/// `gi-bench merge`: the results of a sweep as one.
struct Merge: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Join the results of a sweep, and compare all its cells.",
    discussion: """
      Every cell's result is checked against the plan: version, recording, digest and strategies. Where a cell is missing, \
      failed, or is another's, that is said, nothing is written, and the exit status is 2; with --partial the rest is \
      reported all the same. JSON repeats every result as its process wrote it.

      EXAMPLES:
        gi-bench merge sweep
        gi-bench merge sweep --pivot recording,profile --figure cheapest
        gi-bench merge sweep --export json=sweep.json --export html=sweep.html

      \(ExitStatus.help)
      """)

  @Argument(help: ArgumentHelp("The folder of the sweep.", valueName: "folder"), completion: .directory)
  var folder: String

  @Option(
    help: ArgumentHelp(
      "Also a table with these rows and columns: recording, strategy, or an option of the plan.",
      valueName: "rows,columns"))
  var pivot: String?

  @Option(help: "What that table shows.")
  var figure = SweepPivot.Figure.overhead

  @Flag(name: .customLong("partial"), help: "Report on the cells that are there.")
  var isPartial = false

  @OptionGroup(title: "Output") var output: OutputOptions
  @OptionGroup(title: "Terminal") var console: ConsoleOptions

  func run() throws {
    let merge = try SweepMerge(SweepFolder(folder))
    let pivot = try self.pivot.map { try Self.pivot($0, figure, merge.manifest) }
    let destinations = try output.destinations(console: console, inputs: [folder + "/manifest.json"])
    for detail in merge.details { StandardError.say(detail) }
    if let complaint = merge.complaint, !isPartial { throw Failure(.regression, complaint) }
    try destinations.write { format, paints in
      try rendered(
        { [merge.document($0, pivot: pivot)] }, as: format, painted: paints, width: ConsoleOptions.columns,
        json: merge.json(), csv: merge.csv())
    }
    if let complaint = merge.complaint { throw Failure(.regression, complaint) }
  }

  private static func pivot(
    _ text: String, _ figure: SweepPivot.Figure, _ manifest: SweepManifest
  ) throws -> SweepPivot {
    let names = text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    guard names.count == 2, names[0] != names[1] else {
      throw ValidationError("--pivot \(text) is not two names; write it as --pivot recording,strategy")
    }
    let dimensions = SweepPivot.dimensions(of: manifest)
    for name in names where !dimensions.contains(name) {
      throw ValidationError(
        "--pivot: the sweep has no dimension '\(name)'; \(Nearest.advice(for: name, in: dimensions))")
    }
    return SweepPivot(rows: names[0], columns: names[1], figure: figure)
  }
}

extension SweepPivot.Figure: ExpressibleByArgument {}
