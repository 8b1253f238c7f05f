import Replay

extension RunResult {
  /// How long notifications take: at the profile's values, then what the corners enclose, then by stage, and what it hangs on.
  func latencyBlocks(_ detail: Detail) -> [Document.Block] {
    guard strategies.contains(where: { $0.notifications.count > 0 }) else { return [] }
    var blocks = detail == .full ? latencyPictures : []
    blocks += [.table(latencyTable), .table(bracketTable(detail))]
    blocks += detail == .full ? stagePictures : histograms
    blocks.append(.table(stageTable))
    if let table = latenessTable { blocks.append(.table(table)) }
    blocks.append(.list(latencyNotes))
    return blocks
  }

  private typealias Row = (strategy: StrategyResult, end: LatencyEnd, percentiles: LatencyPercentiles?)

  private var latencyRows: [Row] {
    strategies.filter { $0.notifications.count > 0 }.flatMap { strategy in
      LatencyEnd.allCases.map { (strategy, $0, $0.percentiles(of: strategy.notifications)) }
    }
  }

  /// The strategy's name stands at the first of its rows.
  private func names(_ row: Row, first: LatencyEnd?) -> [Cell] {
    let isInGuest = row.end == .raised && row.strategy.notifications.leavingGuestCycles != nil
    return [
      Cell(row.end == first ? row.strategy.name : ""), Cell(row.end.rawValue + (isInGuest ? " in guest" : "")),
    ]
  }

  private var latencyTable: Table {
    Table(
      caption: "From a store's issue, in modelled cycles: raised is its alert in the ring, delivered the alert in the "
        + "consumer's hand; stall is how long its vCPU stands still",
      columns: [.words("strategy"), .words("end")]
        + LatencyPercentiles.named.map { .figure($0.name == "p999" ? "p99.9" : $0.name) },
      rows: latencyRows.map { row in
        names(row, first: .raised)
          + LatencyPercentiles.named.map { _, path in
            Cell(row.percentiles.map { Figure.number($0[keyPath: path].value) } ?? "-")
          }
      })
  }

  private func bracketTable(_ detail: Detail) -> Table {
    let shown = LatencyPercentiles.named.filter { detail == .full || ["p50", "p99", "max"].contains($0.name) }
    return Table(
      caption:
        "The same, least to greatest of three corners: every cost, every cache and the guest's pace at their low, "
        + "value and high ends at once",
      columns: [.words("strategy"), .words("end")] + shown.map { .figure($0.name == "p999" ? "p99.9" : $0.name) },
      rows: latencyRows.filter { $0.percentiles != nil }.map { row in
        names(row, first: LatencyEnd.allCases.first { $0.percentiles(of: row.strategy.notifications) != nil })
          + shown.map { _, path in Cell(row.percentiles.map { Figure.range($0[keyPath: path]) } ?? "-") }
      })
  }

  /// Stage by stage, one row a strategy and percentile.
  private var stageTable: Table {
    let shown = Percentiles.named.filter { ["p50", "p99", "max"].contains($0.name) }
    let stages = Stage.latency.map(\.rawValue) + ["cold"]
    return Table(
      caption:
        "By stage, up to the ring; a stage's percentile is over that stage alone, so a row need not add up. Cold is "
        + "what caches add that a loop would keep warm",
      columns: [.words("strategy"), .words("of all")] + stages.map { .figure($0) },
      rows: strategies.filter { $0.notifications.count > 0 }.flatMap { strategy in
        shown.map { name, path in
          [Cell(name == "p50" ? strategy.name : ""), Cell(name)]
            + stages.map { stage in
              Cell(strategy.notifications.stages[stage].map { Figure.number($0[keyPath: path]) } ?? "-")
            }
        }
      })
  }

  /// How late the late ones are; nil where none is.
  private var latenessTable: Table? {
    let rows = strategies.compactMap { strategy in strategy.notifications.late.map { (strategy.name, $0) } }
    guard !rows.isEmpty else { return nil }
    return Table(
      caption: "Noticed late: guest instructions from the store to its notification",
      columns: [.words("strategy"), .figure("p50"), .figure("p90"), .figure("p99"), .figure("max")],
      rows: rows.map { name, late in
        [Cell(name)] + [late.p50, late.p90, late.p99, late.max].map { Cell(Figure.count($0)) }
      })
  }

  /// What the latencies hang on, and what they do not show.
  private var latencyNotes: [Cell] {
    var notes: [Cell] = []
    if let consumer { notes.append(Cell("Consumer: \(consumer) when full; one for all vCPUs.")) }
    for strategy in strategies {
      guard let consumer = strategy.notifications.consumer else { continue }
      if consumer.lost.high > 0 {
        notes.append(
          Cell("\(strategy.name): \(Self.words(consumer.lost)) alerts lost to a full ring.", .bad))
      }
      if consumer.parkedCycles.high > 0 {
        notes.append(
          Cell("\(strategy.name): vCPUs waited \(Self.words(consumer.parkedCycles)) cycles for a full ring.", .doubtful)
        )
      }
      if let leaving = strategy.notifications.leavingGuestCycles {
        notes.append(
          Cell(
            "\(strategy.name) raises alerts in the guest: to leave it costs \(Self.words(leaving)) cycles for each; half of "
              + "that is in delivered, nothing in the overhead."))
      }
    }
    if let time {
      notes.append(
        Cell(
          "Time is each vCPU's own instructions at \(Self.words(time.cyclesPerInstruction)) cycles, "
            + "\(Figure.number(time.frequencyMHz)) MHz; "
            + (time.exitsPerSecond == 0
              ? "no exits but the monitor's (--exits-per-second)"
              : "\(Figure.number(time.exitsPerSecond)) exits a second besides, drawn with seed \(time.seed)") + "."))
      notes.append(Cell("Contention \(time.contention): recorded vCPUs take turns.", .doubtful))
    }
    return notes
  }

  /// Host time of notifications where they happened; nil where none was timed.
  var inPlaceTable: Table? {
    let rows: [[Cell]] = strategies.flatMap { strategy -> [[Cell]] in
      guard let inPlace = strategy.host?.inPlaceNanoseconds else { return [] }
      let ends: [(String, Percentiles?)] = [("raised", inPlace.raised), ("delivered", inPlace.delivered)]
      return ends.map { end, percentiles in
        [Cell(end == "raised" ? strategy.name : ""), Cell(end)]
          + Percentiles.named.map { _, path in Cell(percentiles.map { Figure.number($0[keyPath: path]) } ?? "-") }
          + [Cell(end == "raised" ? inPlace.control.map(Figure.ratio) ?? "-" : "")]
      }
    }
    guard !rows.isEmpty else { return nil }
    let timer = strategies.compactMap { $0.host?.inPlaceNanoseconds?.timer }.max() ?? 0
    return Table(
      caption:
        "Our own path, in place: each notification where it happened in the replay, in nanoseconds of this host; "
        + "raised from the refused store to the ring, delivered to the hand of a thread that polls. Control: every other "
        + "notification over the rest; reading the counter takes \(Figure.number(timer)) ns of each",
      columns: [.words("strategy"), .words("end")]
        + Percentiles.named.map { .figure($0.name == "p999" ? "p99.9" : $0.name) } + [.figure("control")],
      rows: rows)
  }

  private static func words(_ bracket: Bracket) -> String {
    bracket.low == bracket.high
      ? Figure.number(bracket.value) : "\(Figure.number(bracket.value)) (\(Figure.range(bracket)))"
  }
}
