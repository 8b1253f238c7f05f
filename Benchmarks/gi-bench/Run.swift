import ArgumentParser
import Foundation
import Replay
import Report

/// `gi-bench run`, the default: replays recordings and compares strategies.
struct Run: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Replay traces and compare strategies (the default).",
    usage: "gi-bench [run] TRACE... [options]",
    discussion: """
      Prints the strategy table, latency percentiles up to the ring and up to the consumer, notifications by kind, the cross-check of the notified \
      sets, and the ranking. Cycles are modelled from exact counts and a profile; seconds and nanoseconds are measured \
      on this host. A cross-check that fails ends with exit status 2.

      EXAMPLES:
        gi-bench traces/boot.trace
        gi-bench traces/boot.trace --strategy eptp-exit --strategy vmfunc
        gi-bench traces/boot.trace --counters-only --format json --output boot.json
        gi-bench traces/boot.trace --consumer vmi,ring=64,full=park
        gi-bench traces/boot.trace --budget 1%
        gi-bench traces/boot.trace traces/database.trace --jobs 2
        gi-bench traces/boot.trace --arm rodata-read-only
        gi-bench traces/quick.trace --policy Benchmarks/Cluster/plans/scattered.json
        gi-bench traces/boot.trace --export html=boot.html --export csv=boot.csv
        gi-bench traces/boot.trace --quiet --notifications boot.perfetto.json

      \(ExitStatus.help)
      """)

  @Argument(
    help: ArgumentHelp(
      "Recordings to replay; - is the standard input. FILE.json is a saved result, which counts beside them as its recording would.",
      valueName: "trace"),
    completion: .file(extensions: ["trace", "json"]))
  var traces: [String]

  /// What is replayed, and what was saved before.
  private var recordings: [String] { traces.filter { !$0.hasSuffix(".json") } }
  private var saved: [String] { traces.filter { $0.hasSuffix(".json") } }

  @OptionGroup(title: "Replay") var choice: ReplayOptions

  @Flag(name: .customLong("counters-only"), help: "Read no clock; the result is byte-identical everywhere.")
  var countersOnly = false

  @Flag(
    name: .customLong("sensitivity"),
    help: "Replay again with the sizes of caches that the profile assumes at half and at double.")
  var isGeometryVaried = false

  @Option(
    help: ArgumentHelp(
      "Also say which regions each strategy can protect within this overhead, in per cent of the guest's time while something is protected.",
      valueName: "1%"),
    transform: OverheadLimit.init)
  var budget: OverheadLimit?

  @Option(
    help: ArgumentHelp(
      "Recordings replayed at once. Counts, sets and cycles do not depend on it; host times do.",
      valueName: "n"))
  var jobs = 1

  @Flag(name: .customLong("histograms"), help: "Show histograms of delivery times in text reports.")
  var showsHistograms = false

  @Option(
    help: ArgumentHelp(
      "List every notification of every strategy in a file: rows in FILE.csv, objects in FILE.jsonl, slices with their stages in FILE.perfetto.json; - is rows on the standard output. Repeatable; recordings are then replayed one by one.",
      valueName: "file"))
  var notifications: [String] = []

  @OptionGroup(title: "Output") var output: OutputOptions

  @Option(help: ArgumentHelp("Save the result as JSON for `compare`.", valueName: "file"))
  var save: [String] = []

  @OptionGroup(title: "Terminal") var console: ConsoleOptions

  func validate() throws {
    if countersOnly, output.format == .hgrm || output.exports.contains(where: { $0.hasPrefix("hgrm=") }) {
      throw ValidationError(
        "--counters-only reads no clock, so there are no host times for hgrm; leave one of them out")
    }
    guard (1...1024).contains(jobs) else { throw ValidationError("--jobs \(jobs) is not 1 to 1024; give one a core") }
    guard save.count < 2 else {
      throw ValidationError(
        "--save is given \(save.count) times; give it once, and --export json=FILE for another file")
    }
    for path in notifications { _ = try ListingFiles.form(of: path) }
    // A misspelt or misplaced subcommand arrives here as a trace.
    guard let first = traces.first, first != InputFile.standardInput, !InputFile.exists(first),
      let meant = Nearest.to(first, in: GIBench.configuration.subcommands.map { $0._commandName })
    else { return }
    throw ValidationError(
      meant == first
        ? "the subcommand \(first) must come before its options; write gi-bench \(first) [options]"
        : "there is no trace '\(first)'; did you mean `gi-bench \(meant)`?")
  }

  /// Replays every recording.
  func results(console: ConsoleOptions, listing listings: ListingFiles? = nil) throws -> [RunResult] {
    let isPictured = showsHistograms || output.shows(.html)
    var results = try choice.results(of: recordings, jobs: listings == nil ? jobs : 1, console: console) { request in
      request.countersOnly = countersOnly
      request.isGeometryVaried = isGeometryVaried
      request.budget = budget?.percent
      request.namesPages = true
      request.isPictured = isPictured
      if let listings {
        let trace = request.tracePath
        request.notified = { try listings.add($0, of: trace) }
      }
    }
    for i in results.indices { results[i].pictures?.showsHistograms = showsHistograms }
    return results
  }

  func run() throws {
    let destinations = try output.destinations(
      console: console, saves: save, besides: notifications, inputs: traces + choice.files,
      formats: ReportFormat.allCases)
    let listings = notifications.isEmpty ? nil : try ListingFiles(notifications, priced: choice.pricing.profile())
    try InputFile.checkTraces(recordings)
    let saved = try saved.flatMap(SavedFile.read)
    destinations.withdraw()
    let results = try results(console: console, listing: listings)
    if !saved.isEmpty, let objection = objection(toCountingTogether: saved + results) { throw Failure(objection) }
    if let budget, let result = results.first(where: { $0.budget == nil }) {
      throw Failure(
        "\(result.trace.path): nothing is ever protected in it, so nothing fits \(budget.percent) %; say with --policy "
          + "what is to be")
    }
    try listings?.finish()
    try destinations.write { format, paints in
      try report(on: results, beside: saved, as: format, painted: paints, width: ConsoleOptions.columns)
    }
    if let result = results.first(where: { !$0.crosscheck.agree }) {
      throw Failure(
        .regression, "\(result.trace.path): the strategies disagree on the notified stores; see the cross-check")
    }
  }
}
