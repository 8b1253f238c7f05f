import Replay

/// One cell's result, as far as tables and pictures over all cells need it.
package struct SweepRow: Equatable, Sendable {
  /// The cell.
  package var cell: SweepCell
  /// Stores of the recording.
  package var writes: UInt64
  /// Instructions its guest retired.
  package var instructions: UInt64
  /// What each strategy cost and noticed, in the order of the result.
  package var entries: [Entry]
  /// Pairs of strategies whose order one cost can change within its bracket, by that cost.
  package var flips: [CostParameter: Int]

  /// One strategy of a cell.
  package struct Entry: Equatable, Sendable {
    /// Its name.
    package var strategy: String
    /// Whether it is sound.
    package var isSound: Bool
    /// Notifications.
    package var notifications: UInt64
    /// Modelled cycles beyond the same guest unmonitored.
    package var overhead: Bracket
    /// From a store's issue to the alert in the consumer's hand; nil where the contract has no such end.
    package var delivered: LatencyPercentiles?
    /// Alerts that found no room; nil where there is no consumer.
    package var lost: Bracket?
  }

  /// The row of a result.
  package init(_ cell: SweepCell, _ result: RunResult) {
    self.cell = cell
    writes = result.trace.writes
    instructions = result.trace.instructions
    entries = result.strategies.map {
      Entry(
        strategy: $0.name, isSound: $0.sound.value, notifications: $0.notifications.count, overhead: $0.overheadCycles,
        delivered: $0.notifications.deliveredCycles, lost: $0.notifications.consumer?.lost)
    }
    flips = [:]
    for pair in result.sensitivity ?? [] {
      for flip in pair.flips where flip.inside { flips[flip.parameter, default: 0] += 1 }
    }
  }

  /// The sound strategies that notified anything, cheapest first.
  package var soundByOverhead: [Entry] {
    entries.filter { $0.isSound && $0.notifications > 0 }.sorted { $0.overhead.value < $1.overhead.value }
  }
}
