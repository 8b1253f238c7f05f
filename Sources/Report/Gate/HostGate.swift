import Replay

/// Host ratios against their baseline: never absolute times, and outside the noise floor only.
struct HostGate {
  private let before: HostRatios
  private let now: HostRatios

  /// Throws ``NotComparable`` where one has no ratios, or they are of another processor, build or strategy.
  init(_ baseline: RunResult, _ run: RunResult) throws {
    func failure(_ what: String) -> NotComparable {
      NotComparable("\(run.trace.path): \(what); rewrite the baseline with --update --host on this machine")
    }
    guard let now = run.hostRatios else {
      throw NotComparable(
        "\(run.trace.path): no sound strategy has anything protected at the end, so there is nothing to time; leave out --host"
      )
    }
    guard let before = baseline.hostRatios else { throw failure("the baseline holds no host ratios") }
    for (what, old, new) in [
      ("processor", before.cpu, now.cpu), ("build", before.build, now.build),
      ("strategy", before.strategy, now.strategy),
    ] where old != new {
      throw failure("the host ratios of the baseline are of another \(what) (\(old), and now \(new))")
    }
    self.before = before
    self.now = now
  }

  var findings: [Gate.Finding] {
    [
      finding("look-up over binary search, host ratio", before.lookup, now.lookup),
      finding("violation to alert over binary search, host ratio", before.alert, now.alert),
    ].compactMap(\.self)
  }

  private func finding(_ figure: String, _ old: HostRatio, _ new: HostRatio) -> Gate.Finding? {
    guard let verdict = Self.verdict(old, new) else { return nil }
    return Gate.Finding(
      strategy: now.strategy, figure: figure, baseline: Self.words(old), now: Self.words(new), verdict: verdict)
  }

  /// What follows; nil where the intervals overlap, or the medians are no further apart than the noise floor.
  static func verdict(_ old: HostRatio, _ new: HostRatio) -> Gate.Verdict? {
    let floor = max(old.noise, new.noise)
    if new.low > old.high, new.value > old.value * (1 + floor) { return .regression }
    return new.high < old.low && old.value > new.value * (1 + floor) ? .improved : nil
  }

  private static func words(_ ratio: HostRatio) -> String {
    "\(Figure.ratio(ratio.value)) (\(Figure.ratio(ratio.low)) to \(Figure.ratio(ratio.high)))"
  }
}
