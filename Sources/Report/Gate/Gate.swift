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
  /// Every figure that differs.
  package var findings: [Finding]
  /// Host ratios of our own paths, and what follows from them; absent where they were not asked for.
  package var host: Host?

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
    /// What follows.
    package var verdict: Verdict
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

  /// Holds `run` against `baseline`.
  ///
  /// Throws ``NotComparable`` where recording, policy, profile or strategies differ.
  package init(_ run: RunResult, against baseline: RunResult) throws {
    let differences = Likeness.differences(baseline, run)
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
    findings = []
    if !new.crosscheck.agree {
      findings.append(
        Finding(
          strategy: nil, figure: "cross-check", baseline: old.crosscheck.agree ? "agree" : "disagree",
          now: new.crosscheck.differences.first ?? "disagree", verdict: .regression))
    }
    for strategy in new.strategies {
      if let before = old.strategies.first(where: { $0.name == strategy.name }) {
        findings += StrategyGate(before: before, now: strategy).findings
      }
    }
    host = run.hostRatios.map { Host(ratios: $0, findings: HostGate(ratios: $0).findings) }
  }
}
