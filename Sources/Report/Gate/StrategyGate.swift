import Replay

/// One strategy's figures against its baseline.
struct StrategyGate {
  let before: StrategyResult
  let now: StrategyResult
  /// What is let pass; nil for nothing.
  var tolerance: Gate.Tolerance?

  var findings: [Gate.Finding] {
    tolerance?.rates == nil
      ? answers + cycles + counts : [finding("sound", before.sound.value, now.sound.value)].compactMap(\.self) + cycles
  }

  /// What a run answers; another answer is a regression, cheaper or not.
  private var answers: [Gate.Finding] {
    let (old, new) = (before.notifications, now.notifications)
    var findings = [
      finding("sound", before.sound.value, now.sound.value),
      finding("notifications", old.count, new.count),
      finding("set of notified stores, digest", old.setDigest, new.setDigest),
      finding("notifications of protected pages", old.byKind.protected, new.byKind.protected),
      finding("notifications of tree pages", old.byKind.tree, new.byKind.tree),
      finding("notifications of GI code", old.byKind.giCode, new.byKind.giCode),
      finding("notifications of GI data", old.byKind.giData, new.byKind.giData),
      finding("false share", old.falseShare, new.falseShare),
      finding("what actions would have done", before.wouldHave ?? [], now.wouldHave ?? []),
      finding("updates by the walker", old.walkerUpdates?.count ?? 0, new.walkerUpdates?.count ?? 0),
      finding("set of updates, digest", old.walkerUpdates?.setDigest ?? "", new.walkerUpdates?.setDigest ?? ""),
    ]
    // A store or a run lost is a reader that lost it: the recording is the same.
    for event in [Event.writes, .runs] {
      findings.append(finding(event.name, before.counts[event.name, default: 0], now.counts[event.name, default: 0]))
    }
    return findings.compactMap(\.self)
  }

  /// Modelled figures, where more is dearer. Of a bracket the value decides; its ends only tell.
  private var cycles: [Gate.Finding] {
    var findings: [Gate.Finding?] = []
    for (name, path) in [("overhead", \StrategyResult.overheadCycles), ("guest stall", \.guestStallCycles)] {
      let (old, new) = (before[keyPath: path], now[keyPath: path])
      if let rates = tolerance?.rates {
        let (old, new) = (old.value * rates.before, new.value * rates.now)
        findings.append(
          dearer("\(name), cycles per 1000 instructions", rounded(old, parts: 1000), rounded(new, parts: 1000)))
        continue
      }
      findings += [
        dearer("\(name), cycles", old.value, new.value),
        finding("\(name), cycles (low)", Figure.exact(old.low), Figure.exact(new.low), verdict: .changed),
        finding("\(name), cycles (high)", Figure.exact(old.high), Figure.exact(new.high), verdict: .changed),
      ]
    }
    let (old, new) = (before.notifications, now.notifications)
    for end in LatencyEnd.allCases { findings += latency(end) }
    findings += [
      dearer("alerts lost", old.consumer?.lost.value ?? 0, new.consumer?.lost.value ?? 0),
      dearer("parked, cycles", old.consumer?.parkedCycles.value ?? 0, new.consumer?.parkedCycles.value ?? 0),
    ]
    let late = [("p50", \LateDetection.p50), ("p90", \.p90), ("p99", \.p99), ("max", \.max)]
    for (name, path) in late {
      findings.append(
        dearer(
          "late by \(name), instructions", Double(old.late?[keyPath: path] ?? 0), Double(new.late?[keyPath: path] ?? 0))
      )
    }
    return findings.compactMap(\.self)
  }

  /// Percentiles of one end, of which the value decides; one that has gone, or come, is another answer.
  private func latency(_ end: LatencyEnd) -> [Gate.Finding?] {
    let (before, after) = (end.percentiles(of: before.notifications), end.percentiles(of: now.notifications))
    guard let before, let after else {
      func words(_ percentiles: LatencyPercentiles?) -> String { percentiles == nil ? "none" : "some" }
      return [finding("\(end.rawValue) percentiles", words(before), words(after))]
    }
    return LatencyPercentiles.named.flatMap { name, path -> [Gate.Finding?] in
      let (old, new) = (before[keyPath: path], after[keyPath: path])
      let figure = "\(end.rawValue) \(name), cycles"
      return [
        dearer(figure, old.value, new.value),
        finding("\(figure) (low)", Figure.exact(old.low), Figure.exact(new.low), verdict: .changed),
        finding("\(figure) (high)", Figure.exact(old.high), Figure.exact(new.high), verdict: .changed),
      ]
    }
  }

  /// Counts explain cycles; a count of its own is neither good nor bad.
  private var counts: [Gate.Finding] {
    let names = Event.allCases.map(\.name).filter { ![Event.writes.name, Event.runs.name].contains($0) }
    let explaining = names.map { name in
      finding(name, before.counts[name, default: 0], now.counts[name, default: 0], verdict: .changed)
    }
    return (explaining + [finding("switches", before.switches, now.switches, verdict: .changed)]).compactMap(\.self)
  }

  private func finding<Value: Equatable>(
    _ figure: String, _ old: Value, _ new: Value, verdict: Gate.Verdict = .regression
  ) -> Gate.Finding? {
    guard old != new else { return nil }
    return Gate.Finding(
      strategy: now.name, figure: figure, baseline: "\(old)", now: "\(new)", verdict: verdict)
  }

  private func dearer(_ figure: String, _ old: Double, _ new: Double) -> Gate.Finding? {
    let share = old > 0 ? new / old - 1 : nil
    let isLetPass = tolerance.map { new > old && (share ?? .infinity) <= $0.share } ?? false
    var finding = finding(
      figure, Figure.exact(old), Figure.exact(new), verdict: isLetPass ? .changed : new > old ? .regression : .improved)
    finding?.percent = share.map { rounded($0 * 100, parts: 100) }
    return finding
  }
}
