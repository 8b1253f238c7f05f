import ArgumentParser
import Replay

/// What a replay compares, and what prices it.
struct ReplayOptions: ParsableArguments {
  @Option(
    name: .customLong("strategy"),
    help: ArgumentHelp(
      "Replay under this strategy; repeatable. Default: \(Strategy.replayed.map(\.name).joined(separator: ", ")).",
      valueName: "name"),
    completion: .list(Strategy.replayed.map(\.name)))
  var strategyNames: [String] = []

  @OptionGroup var pricing: ProfileOption

  func validate() throws {
    let names = Strategy.replayed.map(\.name)
    for name in strategyNames where !names.contains(name) {
      throw ValidationError("no strategy is named '\(name)'; \(Nearest.advice(for: name, in: names))")
    }
  }

  /// The strategies asked for, each once, or all.
  var strategies: [Strategy] {
    guard !strategyNames.isEmpty else { return Strategy.replayed }
    var chosen: [Strategy] = []
    for strategy in strategyNames.compactMap(Strategy.named) where !chosen.contains(strategy) {
      chosen.append(strategy)
    }
    return chosen
  }

  /// Replays each trace in turn; what cannot be a trace is refused before the first.
  func results(of traces: [String], countersOnly: Bool, console: ConsoleOptions) throws -> [RunResult] {
    try InputFile.checkTraces(traces)
    let profile = try pricing.profile()
    return try traces.map { trace in
      let line = console.progressLine(named: trace)
      defer { line?.clear() }
      var request = ReplayRequest(
        tracePath: trace, strategies: strategies, profile: profile, countersOnly: countersOnly)
      if let line { request.progress = { line.show($0) } }
      return try replay(request)
    }
  }
}
