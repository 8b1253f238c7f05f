import Replay

/// One strategy in two results.
struct StrategyPair {
  let a: StrategyResult
  let b: StrategyResult
  /// The profile both were priced by; nil where they were not.
  let profile: ProfileDescription?

  func rows(trace: String) -> [Comparison.Row] {
    var rows: [Comparison.Row] = []
    func add(_ figure: String, _ a: Double, _ b: Double, _ ratio: Bracket?, _ verdict: Comparison.Verdict) {
      rows.append(
        Comparison.Row(
          trace: trace, strategy: self.a.name, figure: figure, a: a, b: b, ratio: ratio, verdict: verdict))
    }
    func addExact(_ figure: String, _ a: Double, _ b: Double) {
      add(figure, a, b, Self.exactRatio(b, a), a == b ? .same : a < b ? .more : .less)
    }
    let overhead = self.overhead
    add("overhead, cycles", a.overheadCycles.value, b.overheadCycles.value, overhead.ratio, overhead.verdict)
    let stall = Self.apart(a.guestStallCycles, b.guestStallCycles)
    add("guest stall, cycles", a.guestStallCycles.value, b.guestStallCycles.value, stall.ratio, stall.verdict)
    for end in LatencyEnd.allCases {
      guard let mine = end.percentiles(of: a.notifications), let other = end.percentiles(of: b.notifications) else {
        continue
      }
      for (name, path) in LatencyPercentiles.named where ["p50", "p99", "max"].contains(name) {
        let (mine, other) = (mine[keyPath: path], other[keyPath: path])
        let judgement = Self.apart(mine, other)
        add("\(end.rawValue) \(name), cycles", mine.value, other.value, judgement.ratio, judgement.verdict)
      }
    }
    if let mine = a.notifications.consumer?.lost.value, let other = b.notifications.consumer?.lost.value,
      mine + other > 0
    {
      addExact("alerts lost", mine, other)
    }
    addExact("switches", Double(a.switches), Double(b.switches))
    addExact("notifications", Double(a.notifications.count), Double(b.notifications.count))
    if a.notifications.count == b.notifications.count, a.notifications.setDigest != b.notifications.setDigest {
      rows[rows.count - 1].verdict = .different
    }
    if let mine = a.host, let other = b.host {
      add("host, s", mine.seconds, other.seconds, Self.exactRatio(other.seconds, mine.seconds), .unjudged)
    }
    return rows
  }

  var notes: [String] {
    guard profile != nil, difference == nil else { return [] }
    return [
      "The counts of \(a.name) do not explain its overhead at this gi-bench's price list; "
        + "its interval is the wide one, from the two brackets."
    ]
  }

  private typealias Judgement = (ratio: Bracket?, verdict: Comparison.Verdict)

  private var overhead: Judgement {
    guard let difference else { return Self.apart(a.overheadCycles, b.overheadCycles) }
    let verdict: Comparison.Verdict =
      difference == Bracket(low: 0, value: 0, high: 0)
      ? .same : difference.high <= 0 ? .less : difference.low >= 0 ? .more : .undecided
    // b/a = 1 + (b - a)/a, bounded over the bracket of a.
    let base = a.overheadCycles
    guard base.low > 0 else { return (Self.exactRatio(b.overheadCycles.value, base.value), verdict) }
    let low = 1 + difference.low / (difference.low < 0 ? base.low : base.high)
    let high = 1 + difference.high / (difference.high > 0 ? base.low : base.high)
    return (Bracket(low: max(0, low), value: b.overheadCycles.value / base.value, high: max(0, high)), verdict)
  }

  /// The second overhead less the first, priced from the difference of the counts: what both share, the unmonitored guest
  /// included, cancels, so the bracket is as tight as it can be. Nil where the counts do not explain the overheads.
  private var difference: Bracket? {
    guard let profile else { return nil }
    var form = LinearForm()
    for event in Event.allCases {
      let change = Double(b.counts[event.name, default: 0]) - Double(a.counts[event.name, default: 0])
      form.add(PriceList.price(of: event), times: change)
    }
    let difference = form.priced(by: profile.parameters)
    let stated = b.overheadCycles.value - a.overheadCycles.value
    let tolerance = 2 + 1e-9 * max(abs(a.overheadCycles.value), abs(b.overheadCycles.value))
    return abs(difference.value - stated) <= tolerance ? difference : nil
  }

  /// Two brackets taken as if their costs varied apart from each other: the widest interval.
  private static func apart(_ a: Bracket, _ b: Bracket) -> Judgement {
    if a == b { return (exactRatio(b.value, a.value), .same) }
    let verdict: Comparison.Verdict = b.high < a.low ? .less : b.low > a.high ? .more : .undecided
    guard a.low > 0 else { return (exactRatio(b.value, a.value), verdict) }
    return (Bracket(low: b.low / a.high, value: b.value / a.value, high: b.high / a.low), verdict)
  }

  private static func exactRatio(_ b: Double, _ a: Double) -> Bracket? {
    guard a > 0 else { return nil }
    return Bracket(low: b / a, value: b / a, high: b / a)
  }
}
