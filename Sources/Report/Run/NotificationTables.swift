import Addresses
import Replay

extension RunResult {
  /// The pages with most notifications; nil where they were not asked for.
  var hottestTable: Table? {
    hottestPages.map { hottest in
      Table(
        caption: "Hottest pages by notifications under \(hottest.strategy)",
        columns: [.figure("page"), .figure("notified"), .words("regions"), .words("stores by symbol and offset")],
        rows: hottest.pages.map { page in
          [
            Cell(hex(page.page)), Cell(Figure.count(page.notifications)),
            Cell(page.regions.joined(separator: " ")),
            Cell(page.targets?.map(\.text).joined(separator: ", ") ?? page.symbols.joined(separator: " ")),
          ]
        })
    }
  }

  /// What alert actions would have done to a guest that is not a recording.
  var wouldHaveTable: Table? {
    let rows = strategies.flatMap { strategy in (strategy.wouldHave ?? []).map { (strategy.name, $0) } }
    guard !rows.isEmpty else { return nil }
    return Table(
      caption: "What actions would have done: a recorded guest goes on, whatever is asked for",
      columns: [
        .words("strategy"), .words("action"), .figure("stores"), .figure("first is store"), .figure("vCPU"),
        .figure("after instructions"),
      ],
      rows: rows.map { name, would in
        [
          Cell(name), Cell(would.action), Cell(String(would.stores)), Cell(String(would.store)),
          Cell(String(would.vcpu)),
          Cell(String(would.at)),
        ]
      })
  }

  /// Notifications by kind of page, and false sharing.
  var kindTable: Table {
    var columns: [Table.Column] = [
      .words("strategy"), .figure("protected"), .figure("tree"), .figure("GI code"), .figure("GI data"),
      .figure("false share"),
    ]
    let silentAreKnown = strategies.contains { $0.notifications.refusedSilently != nil }
    if silentAreKnown { columns.append(.figure("no alert")) }
    let walkerIsSeen = strategies.contains { $0.notifications.walkerUpdates != nil }
    if walkerIsSeen { columns.append(.figure("by the walker")) }
    return Table(
      caption: "Notifications by kind of page; false share: the store touched a monitored page but no monitored byte"
        + (silentAreKnown ? "; no alert: refused besides, mostly the driver's own stores" : "")
        + (walkerIsSeen ? "; by the walker: flags that page walks set in monitored tables, not among the others" : ""),
      columns: columns,
      rows: strategies.map { strategy in
        let notified = strategy.notifications
        let kinds = notified.byKind
        return [Cell(strategy.name)]
          + [kinds.protected, kinds.tree, kinds.giCode, kinds.giData, notified.falseShare].map {
            Cell(Figure.count($0))
          }
          + (silentAreKnown ? [Cell(notified.refusedSilently.map(Figure.count) ?? "-")] : [])
          + (walkerIsSeen ? [Cell(Figure.count(notified.walkerUpdates?.count ?? 0))] : [])
      })
  }

  /// Whether the strategies notified the same stores.
  var crosscheckNotes: [Cell] {
    let conclusion =
      crosscheck.agree
      ? Cell("Every strategy whose contract says so notified the same set of stores.", .good)
      : Cell("The strategies disagree on the set of notified stores.", .bad)
    return [conclusion]
      + crosscheck.differences.map { Cell(Self.sentence($0), crosscheck.agree ? .doubtful : .bad) }
  }

  private static func sentence(_ text: String) -> String { text.hasSuffix(".") ? text : text + "." }

  private func overhead(of name: String) -> Bracket? { strategies.first { $0.name == name }?.overheadCycles }

  /// From cheapest to dearest, and whether the brackets leave the order open.
  var rankingNotes: [Cell] {
    ranking.order.enumerated().map { i, name in
      guard i > 0 else { return Cell("\(name) costs least.") }
      let cheaper = ranking.order[i - 1]
      if let overhead = overhead(of: name), overhead == self.overhead(of: cheaper) {
        return Cell("\(name) and \(cheaper) cost the same.")
      }
      guard i <= ranking.robust.count, ranking.robust[i - 1] else {
        return Cell("\(name) or \(cheaper): undecided, the order flips inside the brackets.", .doubtful)
      }
      return Cell("\(name) costs more than \(cheaper): robust, whatever the costs within their brackets.")
    }
  }
}
