import Replay

/// Holds a fresh result against its reviewed baseline: counts and modelled cycles exactly; where asked, host times against
/// those of another build in the same run, outside its noise floor.
package struct Gate: Codable, Equatable, Sendable {
  /// The recording.
  package var trace: String
  /// The profile that priced the counts.
  package var profile: String
  /// 2 where translations were walked in both dimensions; absent for one.
  package var dimensions: Int?
  /// Strategies that were held against the baseline.
  package var strategies: [String]
  /// By how much a figure may be dearer, as a share; absent for not at all.
  package var failAbove: Double?
  /// Whether the baseline is of another recording under the same name, so that rates were held against rates.
  package var isRerecorded: Bool?
  /// Every figure that differs.
  package var findings: [Finding]
  /// Host ratios of our own paths, and what follows from them; absent where they were not asked for.
  package var host: Host?

  /// Overheads over those of the baseline, for pictures alone.
  package var ratios: [Ratio] = []

  /// A strategy's overhead over that of its baseline.
  package struct Ratio: Equatable, Sendable {
    /// The strategy.
    package var strategy: String
    /// The ratio.
    package var ratio: Double
  }

  /// Host ratios of our own paths, and those that are outside the noise.
  package struct Host: Codable, Equatable, Sendable {
    /// This program over another build of it.
    package var ratios: HostRatios
    /// The paths that became slower or faster; no baseline holds them.
    package var findings: [Finding]
  }

  /// A figure that differs from its baseline.
  package struct Finding: Codable, Equatable, Sendable {
    /// The strategy; nil for what all strategies share.
    package var strategy: String?
    /// The figure, with its unit.
    package var figure: String
    /// What the baseline says.
    package var baseline: String
    /// What the run says.
    package var now: String
    /// By how many per cent a figure is dearer; absent for what is no amount.
    package var percent: Double?
    /// What follows.
    package var verdict: Verdict
  }

  /// What a gate lets pass.
  package struct Tolerance: Equatable, Sendable {
    /// By how much a figure may be dearer, as a share.
    package var share: Double
    /// Where the recordings differ: what makes each one's cycles a rate per 1000 instructions.
    var rates: (before: Double, now: Double)?

    package static func == (a: Self, b: Self) -> Bool {
      a.share == b.share && a.rates?.before == b.rates?.before && a.rates?.now == b.rates?.now
    }
  }

  /// What follows from a difference, from harmless to grave.
  package enum Verdict: String, Codable, Sendable {
    /// Another count, at no greater cost.
    case changed
    /// Cheaper.
    case improved
    /// Dearer, or another answer.
    case regression
  }

  /// Whether some figure is dearer or some answer another one.
  package var hasRegression: Bool { (findings + (host?.findings ?? [])).contains { $0.verdict == .regression } }

  enum CodingKeys: String, CodingKey {
    case trace, profile, dimensions, strategies, findings, host
    case failAbove = "fail_above"
    case isRerecorded = "rerecorded"
  }

  /// Holds `run` against `baseline`; with `failAbove`, a figure may be dearer by that share, and the baseline may be of an earlier
  /// recording of the same name.
  ///
  /// Throws ``NotComparable`` where recording, policy, profile or strategies differ.
  package init(_ run: RunResult, against baseline: RunResult, failAbove: Double? = nil) throws {
    let isRerecorded = (failAbove ?? 0) > 0 && run.trace.digest != baseline.trace.digest
    let differences = Likeness.differences(baseline, run, ofOneRecording: !isRerecorded)
    guard differences.isEmpty else {
      throw NotComparable(
        "\(run.trace.path) is not comparable with its baseline: \(differences.joined(separator: ", and ")); "
          + "run what the baseline ran, or rewrite it with --update")
    }
    let (old, new) = (baseline.roundedForExport(), run.roundedForExport())
    guard Set(old.strategies.map(\.name)) == Set(new.strategies.map(\.name)) else {
      let names = { (result: RunResult) in result.strategies.map(\.name).joined(separator: ", ") }
      throw NotComparable(
        "\(run.trace.path): the baseline holds \(names(old)), the run holds \(names(new)); "
          + "run what the baseline ran, or rewrite it with --update")
    }
    trace = run.trace.path
    profile = run.profile.name
    dimensions = run.dimensions
    strategies = new.strategies.map(\.name)
    self.failAbove = failAbove
    self.isRerecorded = isRerecorded ? true : nil
    findings = []
    let rates =
      isRerecorded
      ? (1000 / Double(max(old.trace.instructions, 1)), 1000 / Double(max(new.trace.instructions, 1))) : nil
    let tolerance = failAbove.map { Tolerance(share: $0, rates: rates) }
    if !new.crosscheck.agree {
      findings.append(
        Finding(
          strategy: nil, figure: "cross-check", baseline: old.crosscheck.agree ? "agree" : "disagree",
          now: new.crosscheck.differences.first ?? "disagree", verdict: .regression))
    }
    for strategy in new.strategies {
      if let before = old.strategies.first(where: { $0.name == strategy.name }) {
        let (was, now) = (
          before.overheadCycles.value * (rates?.0 ?? 1), strategy.overheadCycles.value * (rates?.1 ?? 1)
        )
        if was > 0 { ratios.append(Ratio(strategy: strategy.name, ratio: now / was)) }
        findings += StrategyGate(before: before, now: strategy, tolerance: tolerance).findings
      }
    }
    host = run.hostRatios.map { Host(ratios: $0, findings: HostGate(ratios: $0).findings) }
  }
}
