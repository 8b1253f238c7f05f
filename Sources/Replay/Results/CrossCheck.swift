import GuestIntegrity

/// Whether the strategies notified the same stores.
public struct CrossCheck: Codable, Equatable, Sendable {
  /// True when all strategies that owe the same set agree.
  public var agree: Bool
  /// One sentence a difference.
  public var differences: [String]
  /// The first stores on which strategies differ, by name; absent where nobody asked, or none differ.
  public var stores: [DifferingStores]?

  /// A finding.
  public init(agree: Bool, differences: [String]) { (self.agree, self.differences) = (agree, differences) }
}

extension CrossCheck {
  /// Compares the set of stores that each strategy notified with the set it owes.
  ///
  /// Strategies that have every write to a monitored page refused owe the set of the first sound one of them; sub-page
  /// permissions owe those of that set that touch a sub-page with a protected byte; a log owes pages, not stores. The walker's
  /// updates of guest tables all but a log owe alike, since no sub-page permission is asked for them. A
  /// difference of an unsound strategy is listed, since that is what it misses.
  init(_ strategies: [Strategy], _ tallies: [NotificationTally]) {
    self.init(agree: true, differences: [])
    guard let first = strategies.reference, strategies[first].contract == .everyStore else { return }
    let reference = strategies[first].name
    for (strategy, tally) in zip(strategies, tallies) {
      let owed: StoreSet
      switch strategy.contract {
      case .everyStore: owed = tallies[first].all
      case .protectedSubPages: owed = tallies[first].owedBySubPages
      case .pagesSinceDrain:
        differences.append(
          "\(strategy.name) notified \(tally.count) times, \(reference) \(tallies[first].count): by contract it notices a "
            + "page once until its log is drained")
        continue
      }
      if tally.updates != tallies[first].updates {
        if strategy.sound.value { agree = false }
        differences.append(
          "\(strategy.name) notified \(tally.updates.count) updates by the page walker, and \(reference) "
            + "\(tallies[first].updates.count): not the same set")
      }
      guard tally.all != owed else { continue }
      if strategy.sound.value { agree = false }
      differences.append(
        "\(strategy.name) notified \(tally.count) stores, and owes \(owed.count) by what \(reference) notified: not the "
          + "same set")
    }
  }
}
