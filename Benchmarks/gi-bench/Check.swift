import ArgumentParser
import Replay
import Report

/// `gi-bench check`: the gate.
struct Check: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "The gate: replay traces and compare every count and cycle with a reviewed baseline.",
    discussion: """
      Counts and modelled cycles are exact, so nothing is tolerated. A dearer figure, another notified set or a failing \
      cross-check is a regression (exit status 2). A cheaper figure is an improvement (exit status 0) that asks for a new \
      baseline. With --fail-above 5% a figure may be dearer by that much, and of another recording of the same name, \
      rates per 1000 instructions are compared instead. No clock is read, but for --host: that times our tree look-up, and the way from a refused store to its \
      alert, in processes of this program and of another build of it, in turns. Only the ratio of the two counts, and only \
      outside the noise that each program shows against itself in the same run.

      EXAMPLES:
        gi-bench check traces/boot.trace --baseline boot.json --update
        gi-bench check traces/boot.trace --baseline boot.json
        gi-bench check traces/boot.trace --baseline boot.json --fail-above 5%
        gi-bench check traces/boot.trace --baseline boot.json --host OTHER/gi-bench

      \(ExitStatus.help)
      """)

  @Argument(
    help: ArgumentHelp("Recordings to replay.", valueName: "trace"), completion: .file(extensions: ["trace"]))
  var traces: [String]

  @Option(help: ArgumentHelp("The baseline, JSON kept under review.", valueName: "file")) var baseline: String

  @Flag(help: "Rewrite the baseline with the results of this run.") var update = false

  @Option(
    help: ArgumentHelp("Also time look-up and alert beside another build of gi-bench.", valueName: "program"),
    completion: .file())
  var host: String?

  @Option(
    name: .customLong("fail-above"),
    help: ArgumentHelp(
      "Fail only if a figure is dearer by more than this many per cent; also allows a baseline of an earlier recording.",
      valueName: "percent"))
  var failAbove: Percentage?

  /// A share, written with or without its sign: `5%`, `0.5`.
  struct Percentage: ExpressibleByArgument {
    var share: Double

    init?(argument: String) {
      guard let percent = Double(argument.hasSuffix("%") ? argument.dropLast() : argument[...]), percent >= 0,
        percent <= 1000
      else { return nil }
      share = percent / 100
    }
  }

  @OptionGroup(title: "Replay") var choice: ReplayOptions
  @OptionGroup(title: "Output") var output: OutputOptions
  @OptionGroup(title: "Terminal") var console: ConsoleOptions

  func run() throws {
    let inputs = traces + choice.files + [host].compactMap(\.self)
    if update { return try rewrite(beside: inputs) }
    let destinations = try output.destinations(
      console: console, inputs: inputs + [baseline], formats: OutputOptions.documents + [.github])
    guard InputFile.exists(baseline) else { throw Failure("\(baseline): no baseline there; make one with --update") }
    let baselines = try SavedFile.read(baseline)
    let results = try replay()
    let gates = try results.map { try Gate($0, against: match(for: $0, in: baselines), failAbove: failAbove?.share) }
    try destinations.write { format, paints in
      let documents = gates.map(\.document)
      if format == .github { return try GitHubExporter.export(results) }
      return try rendered(
        { _ in documents }, as: format, painted: paints, width: ConsoleOptions.columns,
        json: JSONExporter.encode(gates), csv: Gate.csv(gates))
    }
    if gates.contains(where: \.hasRegression) {
      if console.quiet { throw Failure(.regression, Gate.sentence(gates)) }
      throw ExitCode(ExitStatus.regression.rawValue)
    }
    if host != nil, let result = results.first(where: { $0.hostRatios == nil }) {
      throw NotComparable(
        "\(result.trace.path): no sound strategy that refuses stores has anything protected at the end, so there is "
          + "nothing to time; leave out --host")
    }
  }

  private func replay() throws -> [RunResult] {
    try choice.results(of: traces, console: console) { request in
      request.countersOnly = true
      if let host { request.hostMeter = { try HostMeter.measure($0, over: host) } }
    }
  }

  private func rewrite(beside inputs: [String]) throws {
    guard host == nil else { throw ValidationError("--update keeps no host times: leave out --host") }
    guard output.exports.isEmpty, output.output == OutputOptions.standardOutput else {
      throw ValidationError(
        "--update writes the baseline and no report: leave out --output and --export, or check without --update")
    }
    var claims = OutputClaims(inputs: inputs)
    let file = try claims.claim(baseline, twice: "")
    try Self.keep(replay(), in: file)
  }

  /// Makes results a baseline; those that contradict each other are none.
  static func keep(_ results: [RunResult], in file: OutputFile) throws {
    if let result = results.first(where: { !$0.crosscheck.agree }) {
      throw Failure(
        .regression, "\(result.trace.path): the strategies disagree on the notified stores; no baseline was written")
    }
    try file.write(JSONExporter.export(results))
  }

  /// The baseline of one result: the same recording, or else one under the same name, whose difference is then told.
  private func match(for result: RunResult, in baselines: [RunResult]) throws -> RunResult {
    let match =
      baselines.first { $0.trace.digest == result.trace.digest }
      ?? baselines.first { $0.trace.path == result.trace.path }
    guard let match else {
      throw NotComparable("\(baseline) has no baseline of \(result.trace.path); make one with --update")
    }
    return match
  }
}
