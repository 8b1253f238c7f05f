import Replay
import Report

/// The pictures of a sweep's report, one a question; what they show also stands in tables.
extension SweepMerge {
  private func bar(_ label: String, _ count: Int) -> BarChart.Bar {
    let value = Double(count)
    return BarChart.Bar(label: label, bracket: Bracket(low: value, value: value, high: value))
  }

  /// Which strategy costs least where.
  var winsChart: BarChart? {
    guard !wins.isEmpty else { return nil }
    return BarChart(
      title: "Cells in which each sound strategy costs least", unit: "cells",
      bars: wins.map { bar($0.strategy, $0.least) })
  }

  /// How long alerts take, by who takes them: the least and the greatest median of any cell, and their middle.
  var consumerChart: BarChart? {
    var medians: [String: [Bracket]] = [:]
    for row in rows {
      guard let delivered = row.soundByOverhead.first?.delivered else { continue }
      medians[row.cell.settings["consumer"] ?? "the default", default: []].append(delivered.p50)
    }
    guard medians.count > 1 else { return nil }
    return BarChart(
      title: "Median delivered latency of the cheapest sound strategy, over all cells of each consumer", unit: "cycles",
      bars: medians.sorted { $0.key < $1.key }.map { consumer, brackets in
        let values = brackets.map(\.value).sorted()
        return BarChart.Bar(
          label: consumer,
          bracket: Bracket(
            low: brackets.map(\.low).min() ?? 0, value: values[values.count / 2], high: brackets.map(\.high).max() ?? 0)
        )
      })
  }

  /// Which cost decides.
  var flipsChart: BarChart? {
    guard !flips.isEmpty else { return nil }
    return BarChart(
      title: "Pairs of strategies whose order each cost changes alone, over all cells", unit: "pairs",
      bars: flips.map { bar($0.cost.rawValue, $0.pairs) })
  }
}
