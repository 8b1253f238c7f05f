import Addresses
import Replay

extension NotificationTimeline {
  /// The timeline as a document; `result` is of the run it is from.
  package func document(in result: RunResult, _ detail: Detail) -> Document {
    let listed = notification
    var blocks: [Document.Block] = [.list(answer), .facts(facts)]
    if detail == .full { blocks += pictures }
    blocks += [.heading("Step by step"), .table(table), .list(sources)]
    if let curves = result.pictures?.curves.first(where: { $0.strategy == listed.strategy }),
      !curves.deliveredRanges.isEmpty
    {
      blocks += [
        .heading("Among the others"),
        .picture(
          .histogram(
            HistogramChart(
              title: "All notifications under \(listed.strategy) by delivered cycles"
                + (listed.delivered.map { "; this one took \(Figure.number($0.value))" } ?? "") + ":",
              ranges: curves.deliveredRanges.map { ($0.low, $0.high, $0.count) }))),
      ]
    }
    return Document(
      title: "Notification \(listed.number) under \(listed.strategy): \(result.trace.path)", blocks: blocks)
  }

  private var answer: [Cell] {
    let listed = notification
    let place = "\(listed.bytes) bytes to \(listed.target)"
    if let late = listed.lateInstructions {
      return [
        Cell(
          "\(place), noticed \(Figure.count(late)) instructions after the store: the processor logged it, and the log was "
            + "drained then.", .doubtful)
      ]
    }
    guard let raised = listed.raised else {
      return [Cell("\(place): its alert found the ring full, and was lost.", .bad)]
    }
    let delivered = listed.delivered.map { ", in the consumer's hand after \(Self.words($0))" } ?? ""
    let stall = listed.stall.map { "; its vCPU stood still for \(Self.words($0))" } ?? ""
    return [Cell("\(place): in the ring after \(Self.words(raised)) cycles\(delivered)\(stall).")]
  }

  private var facts: [Document.Fact] {
    let listed = notification
    let touches =
      switch listed.touches {
      case "bytes": "a protected byte"
      case "sub-page": "128 bytes that hold a protected one"
      case "page": "no more than a page that holds a protected byte"
      default: "a guest table"
      }
    return [
      Document.Fact("store", "\(listed.store) of the recording\(listed.isByWalker ? ", by the page walker" : "")"),
      Document.Fact("by", "vCPU \(listed.vcpu), after \(listed.instructions) instructions"),
      Document.Fact("to", "\(hex(listed.address.rawValue)), \(listed.target)"),
      Document.Fact("page", listed.region.map { "\(listed.kind), region \($0)" } ?? listed.kind),
      Document.Fact("touches", touches),
      Document.Fact("after mark", listed.mark ?? "none"),
      Document.Fact("windows before", String(listed.windows)),
      Document.Fact("actions", listed.actions.isEmpty ? "none" : listed.actions.joined(separator: ", ")),
    ]
  }

  private var pictures: [Document.Block] {
    [
      .picture(
        .stacks(
          StackChart(
            title: "Where the time goes", unit: "modelled cycles", parts: stages.map(\.name),
            bars: [StackChart.Bar(label: notification.strategy, values: stages.map(\.cycles.value))])))
    ]
  }

  private var table: Table {
    var rows: [[Cell]] = []
    var at = 0.0
    var isInRing = false
    for stage in stages {
      if !stage.isBeforeRing, !isInRing, notification.raised != nil {
        isInRing = true
        rows.append(milestone("raised: in the ring", at: at))
      }
      let begins = at
      at += stage.cycles.value
      for (index, step) in stage.steps.enumerated() {
        let cost = step.cost
        rows.append([
          Cell(index == 0 ? stage.name : ""), Cell(cost.name.rawValue), Cell(Figure.number(step.count)),
          Cell(Figure.number(cost.value)),
          Cell(Figure.range(Bracket(low: cost.low, value: cost.value, high: cost.high))),
          Cell(Figure.number(step.cycles.value)), Cell(index == 0 ? Figure.number(begins) : ""),
        ])
      }
      guard stage.steps.isEmpty else { continue }
      rows.append([
        Cell(stage.name), Cell("-"), Cell("-"), Cell("-"), Cell(Figure.range(stage.cycles)),
        Cell(Figure.number(stage.cycles.value)), Cell(Figure.number(begins)),
      ])
    }
    if notification.raised != nil, !isInRing { rows.append(milestone("raised: in the ring", at: at)) }
    rows.append(milestone("the guest goes on", at: at))
    if let delivered = notification.delivered {
      rows.append(milestone("delivered: in the consumer's hand", at: delivered.value))
    }
    return Table(
      caption:
        "Modelled cycles from the store's issue: a cost, how often it is paid, what it is each, and what it comes to; "
        + "a step begins at `at`. A count below nothing: what a joint figure holds of another stage",
      columns: [
        .words("stage"), .words("cost"), .figure("count"), .figure("each"), .figure("low to high"), .figure("cycles"),
        .figure("at"),
      ],
      rows: rows)
  }

  private func milestone(_ words: String, at: Double) -> [Cell] {
    [Cell(words, .good), "", "", "", "", "", Cell(Figure.number(at))]
  }

  /// Where each cost comes from, once.
  private var sources: [Cell] {
    var seen: Set<CostParameter> = []
    var cells = stages.flatMap(\.steps).map(\.cost).filter { seen.insert($0.name).inserted }.map {
      Cell("\($0.name.rawValue), \($0.tag.rawValue): \($0.source)", $0.tag == .assumed ? .doubtful : .plain)
    }
    if stages.contains(where: { $0.name == "caches left cold" }) {
      cells.append(
        Cell(
          "caches left cold, simulated: lines of handler, tree and ring by reuse distance, between bounds of what the guest "
            + "touched meanwhile"))
    }
    return cells
  }

  private static func words(_ bracket: Bracket) -> String {
    bracket.low == bracket.high
      ? Figure.number(bracket.value) : "\(Figure.number(bracket.value)) (\(Figure.range(bracket)))"
  }
}
