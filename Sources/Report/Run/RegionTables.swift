import Replay

extension RunResult {
  /// What each region costs the strategies that cost least of each contract.
  var regionCostTable: Table? {
    guard let rankings else { return nil }
    let shown = Contract.allCases.compactMap { rankings[$0]?.order.first }.compactMap { name in
      strategies.first { $0.name == name }
    }
    var names: [String] = []
    for region in shown.flatMap({ $0.regions ?? [] }) where !names.contains(region.name) { names.append(region.name) }
    guard !names.isEmpty else { return nil }
    func region(_ name: String, _ strategy: StrategyResult) -> RegionCost? {
      strategy.regions?.first { $0.name == name }
    }
    return Table(
      caption: "What watching each region costs, in modelled cycles, under what costs least of each contract",
      columns: [.words("region"), .figure("notified")] + shown.map { .figure($0.name) },
      rows: names.map { name in
        [Cell(name), Cell(shown.first.flatMap { region(name, $0) }.map { Figure.count($0.notifications) } ?? "-")]
          + shown.map { strategy in
            Cell(region(name, strategy).map { Figure.number($0.overheadCycles.value) } ?? "-")
          }
      })
  }

  /// Which regions fit a budget; nothing where none was asked for.
  var budgetBlocks: [Document.Block] {
    guard let budget else { return [] }
    let cycles = budget.cyclesPerInstruction
    let cpi =
      cycles.low == cycles.high
      ? "\(Figure.number(cycles.value)) cycles an instruction"
      : "\(Figure.number(cycles.value)) (\(Figure.range(cycles))) cycles an instruction"
    return [
      .heading("Within \(Figure.number(budget.percent)) %"), .list(budget.answers.map(Self.note)),
      .table(
        Table(
          caption: "Running cost in per cent of the armed guest's time, at \(cpi); sure: in how much of the box the "
            + "regions that fit do, and one more would",
          columns: [
            .words("strategy"), .figure("alone"), .figure("with regions"), .figure("low to high"), .figure("fits"),
            .figure("one more"), .words("answer"),
          ],
          rows: budget.answers.map { answer in
            [
              Cell(answer.strategy), Cell(Figure.number(answer.alone.value)),
              Cell("\(Figure.number(answer.total.value)) (\(answer.protects.count))"), Cell(Figure.range(answer.total)),
              Cell("\(Figure.number(answer.fits * 100)) %"),
              Cell(answer.oneMoreFits.map { "\(Figure.number($0 * 100)) %" } ?? "-"),
              Cell(answer.verdict.rawValue, answer.verdict == .robust ? .good : .doubtful),
            ]
          })),
    ]
  }

  /// What one strategy can protect, in a sentence.
  private static func note(_ answer: Budget.Answer) -> Cell {
    func names(_ shares: [Budget.Share]) -> String {
      shares.map { "\($0.name) (\(Figure.number($0.percent.value)) %)" }.joined(separator: ", ")
    }
    let head = "\(answer.strategy), \(answer.contract.title): "
    let tail = answer.verdict == .robust ? "; robust." : "; undecided."
    if answer.protects.isEmpty, !answer.leavesOut.isEmpty {
      return Cell(head + "nothing fits; it costs \(Figure.number(answer.alone.value)) % alone" + tail)
    }
    let left = answer.leavesOut.isEmpty ? "nothing is left out" : "leaves out \(names(answer.leavesOut))"
    return Cell(
      head + "protects \(names(answer.protects)); \(left)" + tail, answer.verdict == .robust ? .good : .doubtful)
  }
}
