import Foundation
import Replay

/// Several recordings at once: each strategy's overhead over that of a reference, as a geometric mean of ratios.
///
/// A ratio says the same whichever recording is long; its geometric mean ranks strategies alike whatever the reference (P. J.
/// Fleming, J. J. Wallace, "How not to lie with statistics", 1986).
package struct Summary: Encodable, Equatable, Sendable {
  /// The strategy that ratios are taken over.
  package var reference: String
  /// Recordings that took part.
  package var recordings: Int
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
    /// Least ratio.
    package var least: Double
    /// Greatest ratio.
    package var greatest: Double
    /// In how many recordings it cost least.
    package var wins: Int

    enum CodingKeys: String, CodingKey {
      case strategy, mean, least, greatest
      case wins = "costs_least_in"
    }
  }

  enum CodingKeys: String, CodingKey {
    case reference, recordings
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
    rows = names.map { name in
      let ratios = overheads.map { $0[name]! / $0[reference]! }
      return Row(
        strategy: name, contract: results[0].strategies.first { $0.name == name }?.contract,
        mean: ratios.allSatisfy { $0 > 0 } ? exp(ratios.reduce(0) { $0 + log($1) } / Double(ratios.count)) : nil,
        least: ratios.min()!, greatest: ratios.max()!, wins: results.count { $0.ranking.order.first == name })
    }
    rows.sort { ($0.mean ?? 0) < ($1.mean ?? 0) }
  }

  /// The summary as a document.
  package var document: Document {
    let table = Table(
      caption: "Modelled overhead over that of \(reference), geometric mean of \(recordings) recordings",
      columns: [
        .words("strategy"), .figure("ratio"), .figure("least"), .figure("greatest"), .figure("costs least in"),
      ],
      rows: rows.map { row in
        [
          Cell(row.strategy), Cell(row.mean.map(Figure.ratio) ?? "-"), Cell(Figure.ratio(row.least)),
          Cell(Figure.ratio(row.greatest)), Cell("\(row.wins) of \(recordings)"),
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
