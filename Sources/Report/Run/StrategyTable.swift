import Replay

extension RunResult {
  /// One row a strategy: what it promises, notices and costs.
  var strategyTable: Table {
    var columns: [Table.Column] = [
      .words("strategy"), .words("sound"), .figure("notified"), .figure("overhead"), .figure("low to high"),
      .figure("per 1000 armed"), .figure("delivered p50"), .figure("p99"), .figure("switches"),
    ]
    let isTimed = strategies.contains { $0.host != nil }
    let shared = strategies.compactMap { $0.host?.sharedSeconds }.max()
    if isTimed { columns += [.figure(shared == nil ? "host s" : "own host s"), .figure("M writes/s")] }
    return Table(
      caption:
        "Overhead and latency in modelled cycles of \(profile.name), low to high over the brackets of all costs; "
        + "delivered from the store's issue to the alert in the consumer's hand"
        + (isTimed
          ? "; the last two columns are measured on this host"
            + (shared.map {
              ", where all strategies share \(Figure.number($0)) s more: the rate is of both, as if each ran alone"
            } ?? ", what strategies share in each row") : ""),
      columns: columns,
      rows: strategies.map { row(of: $0) })
  }

  private func row(of strategy: StrategyResult) -> [Cell] {
    let delivered = strategy.notifications.deliveredCycles
    func cycles(_ bracket: Bracket?) -> Cell { Cell(bracket.map { Figure.number($0.value) } ?? "-") }
    var row = [
      Cell(strategy.name),
      strategy.sound.value ? Cell("yes", .good) : Cell("no", .bad),
      Cell(Figure.count(strategy.notifications.count)),
      Cell(Figure.number(strategy.overheadCycles.value)),
      Cell(Figure.range(strategy.overheadCycles)),
      Cell(strategy.armed.map { Figure.number($0.per1000) } ?? "-"),
      cycles(delivered?.p50), cycles(delivered?.p99),
      Cell(Figure.count(strategy.switches)),
    ]
    if let host = strategy.host {
      row += [
        Cell(Figure.number(max(0, host.seconds - (host.sharedSeconds ?? 0)))),
        Cell(Figure.number(host.writesPerSecond / 1e6)),
      ]
    }
    return row
  }

  /// Why each strategy is sound or not.
  var soundnessNotes: [Cell] {
    strategies.map { strategy in
      strategy.sound.value
        ? Cell("\(strategy.name) is sound: \(strategy.sound.reason).")
        : Cell("\(strategy.name) is not sound: \(strategy.sound.reason).", .bad)
    } + (strategies.contains(where: \.sound.value) ? [Cell(Soundness.exception)] : [])
      + (unavailable ?? []).map { Cell("\($0.name) is not offered: \($0.reason).", .doubtful) }
  }

  /// Host figures of our own path; nil where nothing was timed.
  var hostTable: Table? {
    let timed = strategies.compactMap { strategy in strategy.host.map { (strategy.name, $0) } }
    guard !timed.isEmpty else { return nil }
    let floor = timed.compactMap(\.1.timerNanoseconds).max().map {
      "; reading the clock takes \(Figure.number($0)) ns"
    }
    return Table(
      caption:
        "Our own path, hot: the same stores again and again in batches, measured on this host in nanoseconds; never added to modelled cycles. Control: one of "
        + "each two batches over the other, which did the same" + (floor ?? ""),
      columns: [
        .words("strategy"), .figure("look-up p50"), .figure("p99"), .figure("control"),
        .figure("violation to alert p50"), .figure("p99"), .figure("control"),
      ],
      rows: timed.map { name, host in
        [Cell(name)]
          + [host.lookupNanoseconds, host.alertNanoseconds].flatMap { times in
            [
              Cell(times.map { Figure.number($0.p50) } ?? "-"), Cell(times.map { Figure.number($0.p99) } ?? "-"),
              Cell(times?.control.map(Figure.ratio) ?? "-"),
            ]
          }
      })
  }

  /// Every event count, a row an event that happened under some strategy.
  var countsTable: Table {
    let events = Event.allCases.map(\.name).filter { name in strategies.contains { $0.counts[name, default: 0] > 0 } }
    return Table(
      caption: "Events counted, exact; identical on every machine, build and thread count",
      columns: [.words("event")] + strategies.map { .figure($0.name) },
      rows: events.map { name in [Cell(name)] + strategies.map { Cell(String($0.counts[name, default: 0])) } })
  }
}
