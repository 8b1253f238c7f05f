import ArgumentParser
import Replay
import Synchronization

extension Dimensions: ExpressibleByArgument {}

/// What a replay compares, and what prices it.
struct ReplayOptions: ParsableArguments {
  @Option(
    name: .customLong("strategy"),
    help: ArgumentHelp(
      "Replay under this strategy; repeatable. Default: all that the profile's processor offers of \(Strategy.all.map(\.name).joined(separator: ", ")).",
      valueName: "name"),
    completion: .list(Strategy.all.map(\.name)))
  var strategyNames: [String] = []

  @Option(
    help: ArgumentHelp(
      "Host threads, 1 or 2; the second decodes ahead. Counts and cycles do not depend on it.", valueName: "n"))
  var threads = 1

  @Option(
    help: ArgumentHelp(
      "Walk translations in 1 dimension, guest-physical pages through the EPT, or in 2, linear pages through the guest's own tables and each entry of them through the EPT.",
      valueName: "1|2"))
  var dimensions = Dimensions.one

  @OptionGroup var pricing: ProfileOption
  @OptionGroup var latency: LatencyOptions

  @OptionGroup var world: WorldOptions

  @Option(
    name: .customLong("policy"),
    help: ArgumentHelp(
      "Protect what this policy file says; default: what the recorded driver asked for.", valueName: "file"),
    completion: .file(extensions: ["json"]))
  var policyFile: String?

  @Option(help: ArgumentHelp("Protect from this mark of the recording on, given by name or number.", valueName: "mark"))
  var arm: String?

  /// The files that are read besides the recordings.
  var files: [String] { [policyFile].compactMap(\.self).filter(InputFile.exists) + pricing.files }

  func validate() throws {
    guard (1...2).contains(threads) else {
      throw ValidationError("--threads \(threads) is not 1 or 2; give one of them")
    }
    if let complaint = strategyNames.lazy.compactMap(Strategy.complaint).first { throw ValidationError(complaint) }
  }

  /// The strategies asked for, each once, or every one that the profile's processor offers.
  func strategies(on profile: CycleProfile) throws -> [Strategy] {
    guard !strategyNames.isEmpty else { return Strategy.all.filter { $0.missingFeatures(on: profile).isEmpty } }
    var chosen: [Strategy] = []
    for strategy in strategyNames.compactMap(Strategy.named) where !chosen.contains(strategy) {
      if let feature = strategy.missingFeatures(on: profile).first {
        throw ValidationError(
          "strategy \(strategy.name) needs \(feature.title), which \(profile.name) lacks; choose another strategy, or a "
            + "profile with \"\(feature.rawValue)\" among its features")
      }
      chosen.append(strategy)
    }
    return chosen
  }

  /// Replays each trace, so many at once; what cannot be a trace is refused before the first.
  func results(
    of traces: [String], jobs: Int = 1, console: ConsoleOptions, adjust: (inout ReplayRequest) -> Void
  ) throws -> [RunResult] {
    try InputFile.checkTraces(traces)
    let profile = try pricing.profile()
    let policy = try policyFile.map {
      try Policy(json: InputFile.read($0, atMost: Policy.sizeLimit, expecting: "a policy in JSON"), origin: $0)
    }
    let strategies = try strategies(on: profile)
    let setting = try latency.setting(under: profile)
    let choices = try world.choices(isHypervisorNamed: pricing.isHypervisorNamed(in: profile))
    let requests = traces.map { trace in
      var request = ReplayRequest(
        tracePath: trace, strategies: strategies, profile: profile, dimensions: dimensions, policy: policy, arm: arm,
        threads: threads)
      request.latency = setting
      request.choices = choices
      adjust(&request)
      return request
    }
    return jobs > 1 && traces.count > 1
      ? try Self.replayed(requests, jobs: jobs, line: console.progressLine(named: "\(traces.count) recordings"))
      : try requests.map { request in
        let line = console.progressLine(named: request.tracePath)
        defer { line?.clear() }
        var request = request
        if let line { request.progress = { line.show($0) } }
        return try replay(request)
      }
  }

  /// Replays recordings, some at once; results are in the order of requests, and those of one at a time.
  private static func replayed(_ requests: [ReplayRequest], jobs: Int, line: ProgressLine?) throws -> [RunResult] {
    let results = Mutex([RunResult?](repeating: nil, count: requests.count))
    defer { line?.clear() }
    try JobPool.run(requests.count, jobs: jobs) { index in
      let result = try replay(requests[index])
      results.withLock { results in
        results[index] = result
        line?.show(done: results.count { $0 != nil }, of: results.count, "replayed", failed: 0)
      }
    }
    return results.withLock { $0.compactMap(\.self) }
  }
}
