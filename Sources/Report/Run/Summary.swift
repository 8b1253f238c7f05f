import Foundation
import Replay

/// Several recordings at once: each strategy's overhead over that of a reference, as a geometric mean of ratios.
///
/// A ratio says the same whichever recording is long; its geometric mean ranks strategies alike whatever the reference (P. J.
/// Fleming, J. J. Wallace, "How not to lie with statistics", 1986). Every workload counts once, however many recordings are of it.
package struct Summary: Encodable, Equatable, Sendable {
  /// The strategy that ratios are taken over.
  package var reference: String
  /// Recordings that took part, and how many workloads they are of.
  package var recordings: Int
  package var workloads: Int
  /// One row a strategy that every result holds, cheapest first.
  package var rows: [Row]

  /// One strategy.
  package struct Row: Encodable, Equatable, Sendable {
    /// Its name.
    package var strategy: String
    /// What it promises; nil where results do not tell.
    package var contract: Contract?
    /// Geometric mean of its ratios; nil where an overhead is not positive, so that there is none.
    package var mean: Double?
    /// Where the mean would lie with other recordings of the same workloads; nil where there is one of each.
    package var interval: Bracket?
    /// Least ratio.
    package var least: Double
    /// Greatest ratio.
    package var greatest: Double
    /// In how many recordings it cost least.
    package var wins: Int

    enum CodingKeys: String, CodingKey {
      case strategy, mean, interval, least, greatest
      case wins = "costs_least_in"
    }
  }

  enum CodingKeys: String, CodingKey {
    case reference, recordings, workloads
    case rows = "geometric_mean"
  }

  /// The summary of results of one profile, each recording once and no cut beside its whole; nil for fewer than two recordings,
  /// or of different profiles, or where no reference has a positive overhead in each.
  package init?(of all: [RunResult]) {
    let results = WorkloadGroup.counted(of: all.map(\.trace)).map { all[$0] }
    guard results.count > 1, Set(all.map(\.profile.name)).count == 1 else { return nil }
    let overheads = results.map { result in
      Dictionary(result.strategies.map { ($0.name, $0.overheadCycles.value) }) { first, _ in first }
    }
    let names = results[0].strategies.map(\.name).filter { name in overheads.allSatisfy { $0[name] != nil } }
    let candidates = names.filter { name in overheads.allSatisfy { $0[name]! > 0 } }
    guard let reference = candidates.first(where: { $0 == Strategy.eptpExit.name }) ?? candidates.first else {
      return nil
    }
    self.reference = reference
    recordings = results.count
    let groups = WorkloadGroup.groups(of: results.map(\.trace)).map(\.members)
    workloads = groups.count
    let resamples = groups.count < results.count ? Resamples(ofGroups: groups.map(\.count)) : nil
    rows = names.map { name in
      let ratios = overheads.map { $0[name]! / $0[reference]! }
      var row = Row(
        strategy: name, contract: results[0].strategies.first { $0.name == name }?.contract, mean: nil,
        least: ratios.min()!, greatest: ratios.max()!, wins: results.count { $0.ranking.order.first == name })
      guard ratios.allSatisfy({ $0 > 0 }) else { return row }
      let logarithms = groups.map { $0.map { log(ratios[$0]) } }
      let mean = Resamples.mean(of: logarithms)
      row.mean = mean
      if let (low, high) = resamples?.interval(of: logarithms) {
        row.interval = Bracket(low: min(low, mean), value: mean, high: max(high, mean))
      }
      return row
    }
    rows.sort { ($0.mean ?? 0) < ($1.mean ?? 0) }
  }

  /// The summary as a document.
  package var document: Document {
    let isRepeated = workloads < recordings
    let table = Table(
      caption: "Modelled overhead over that of \(reference), geometric mean of "
        + (isRepeated
          ? "\(workloads) workloads, \(recordings) recordings in all; interval: the middle 95 % of \(Resamples.count) "
            + "resamples of each workload's, seed \(Resamples.seed)" : "\(recordings) recordings"),
      columns: [.words("strategy"), .figure("ratio")] + (isRepeated ? [.figure("interval")] : [])
        + [.figure("least"), .figure("greatest"), .figure("costs least in")],
      rows: rows.map { row in
        [Cell(row.strategy), Cell(row.mean.map(Figure.ratio) ?? "-")]
          + (isRepeated
            ? [Cell(row.interval.map { "\(Figure.ratio($0.low)) to \(Figure.ratio($0.high))" } ?? "-")] : [])
          + [
            Cell(Figure.ratio(row.least)), Cell(Figure.ratio(row.greatest)), Cell("\(row.wins) of \(recordings)"),
          ]
      })
    let contracts: [Contract?] = Contract.allCases + [nil]
    let orders = contracts.compactMap { contract -> Cell? in
      let names = rows.filter { $0.contract == contract }.map(\.strategy)
      guard !names.isEmpty else { return nil }
      return Cell(
        "From cheapest to dearest\(contract.map { ", \($0.title)" } ?? ""): \(names.joined(separator: ", ")).")
    }
    return Document(
      title: "All \(recordings) recordings",
      blocks: [.table(table), .list(orders)])
  }
}
