import Foundation
import Replay

/// Several recordings of one workload: how far the cost of one strategy over that of another spreads between them.
///
/// The interval is a bootstrap's: recordings drawn with replacement, the geometric mean of their ratios each time, and the
/// middle 95 per cent of those. An order that changes within it is undecided, however narrow the brackets of costs are.
package struct Spread: Encodable, Equatable, Sendable {
  /// What was recorded several times, in the recordings' own words.
  package var workload: String
  /// Recordings of it.
  package var recordings: Int
  /// Every two strategies of one contract, the cheaper first.
  package var pairs: [Pair]

  /// Two strategies.
  package struct Pair: Encodable, Equatable, Sendable {
    /// The one that costs less on geometric mean.
    package var cheaper: String
    /// The one that costs more.
    package var dearer: String
    /// The dearer's cost over the cheaper's: geometric mean, and the interval.
    package var ratio: Bracket
    /// Whether the whole interval lies on one side.
    package var isDecided: Bool { ratio.low > 1 }
  }

  /// One a workload that several recordings are of, all replayed in one way.
  package static func all(of results: [RunResult]) -> [Spread] {
    let traces = results.map(\.trace)
    return WorkloadGroup.groups(of: traces).compactMap { group in
      let replayed = results.filter { $0.trace.workload == group.workload }
      let settings = Set(replayed.map { "\($0.profile.name) \($0.hypervisor ?? "") \($0.dimensions ?? 1)" })
      guard group.members.count > 1, settings.count == 1 else { return nil }
      return Spread(workload: group.workload, group.members.map { results[$0] })
    }
  }

  private init(workload: String, _ results: [RunResult]) {
    self.workload = workload
    recordings = results.count
    let resamples = Resamples(ofGroups: [results.count])
    pairs = Contract.allCases.flatMap { contract -> [Pair] in
      let names = results[0].strategies.filter { $0.contract == contract }.map(\.name)
      return names.indices.flatMap { first in
        names[(first + 1)...].compactMap { Self.pair(names[first], $0, in: results, resamples) }
      }
    }
  }

  /// Two strategies over all recordings; nil where one of them is not in each, or costs nothing.
  private static func pair(_ a: String, _ b: String, in results: [RunResult], _ resamples: Resamples) -> Pair? {
    let logs = results.compactMap { result -> Double? in
      let costs = [a, b].compactMap { name in result.strategies.first { $0.name == name }?.overheadCycles.value }
      guard costs.count == 2, costs[0] > 0, costs[1] > 0 else { return nil }
      return log(costs[1] / costs[0])
    }
    guard logs.count == results.count else { return nil }
    let isTurned = logs.reduce(0, +) < 0
    let ratios = [logs.map { isTurned ? -$0 : $0 }]
    let (low, high) = resamples.interval(of: ratios)
    let ratio = Bracket(low: low, value: Resamples.mean(of: ratios), high: high)
    return isTurned ? Pair(cheaper: b, dearer: a, ratio: ratio) : Pair(cheaper: a, dearer: b, ratio: ratio)
  }

  /// The spread as a document.
  package var document: Document {
    Document(
      title: "\(recordings) recordings of one workload: \(workload)",
      blocks: [
        .table(
          Table(
            caption:
              "Overhead of one strategy over another of the same contract: geometric mean, and the middle 95 % of "
              + "\(Resamples.count) resamples of the recordings, seed \(Resamples.seed)",
            columns: [
              .words("costs less"), .words("costs more"), .figure("ratio"), .figure("interval"), .words("order"),
            ],
            rows: pairs.map { pair in
              [
                Cell(pair.cheaper), Cell(pair.dearer), Cell(Figure.ratio(pair.ratio.value)),
                Cell("\(Figure.ratio(pair.ratio.low)) to \(Figure.ratio(pair.ratio.high))"),
                pair.isDecided ? Cell("holds", .good) : Cell("undecided: within the spread", .doubtful),
              ]
            }))
      ])
  }
}
