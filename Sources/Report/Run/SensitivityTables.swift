import Replay

extension RunResult {
  /// What would change the ranking: costs first, then the sizes that the profile assumes.
  func sensitivityBlocks() -> [Document.Block] {
    var blocks: [Document.Block] = []
    if let pairs = sensitivity, !pairs.isEmpty { blocks.append(.table(Self.table(of: pairs))) }
    if let variants = geometrySensitivity, !variants.isEmpty { blocks.append(.table(table(of: variants))) }
    return blocks.isEmpty ? [] : [.heading("What would change the ranking")] + blocks
  }

  /// A row a pair and cost: all that flip it inside the bracket, or else the one that comes nearest.
  private static func table(of pairs: [OrderSensitivity]) -> Table {
    Table(
      caption:
        "Each cost that alone flips the order of two strategies, at the value where it does, in cycles; where none "
        + "does inside its bracket, the one that must move least; only together: several costs within their brackets do",
      columns: [
        .words("costs less"), .words("costs more"), .figure("by"), .figure("low to high"), .words("flips it"),
        .figure("now"), .figure("bracket"), .figure("flips at"), .words("inside"),
      ],
      rows: pairs.flatMap { pair in
        let inside = pair.flips.filter(\.inside)
        let shown = inside.isEmpty ? Array(pair.flips.prefix(1)) : inside
        let names = [
          Cell(pair.cheaper), Cell(pair.dearer), Cell(Figure.number(pair.margin.value)),
          Cell(Figure.range(pair.margin)),
        ]
        guard !shown.isEmpty else { return [names + [Cell("no cost alone")]] }
        return shown.map { flip in
          names + [
            Cell(flip.parameter.rawValue), Cell(Figure.number(flip.value)),
            Cell(Figure.range(Bracket(low: flip.low, value: flip.value, high: flip.high))),
            Cell(Figure.number(flip.at)),
            flip.inside
              ? Cell("yes", .doubtful) : pair.margin.low < 0 ? Cell("only together", .doubtful) : Cell("no", .good),
          ]
        }
      })
  }

  /// A row a size: the overheads and whether the order stays.
  private func table(of variants: [OverheadVariant]) -> Table {
    Table(
      caption: "Overhead in modelled cycles with the sizes that \(profile.name) assumes at half and at double",
      columns: [.words("size")] + ranking.order.map { .figure($0) } + [.words("ranking")],
      rows: [
        [Cell("as assumed")]
          + ranking.order.map { name in
            Cell(strategies.first { $0.name == name }.map { Figure.number($0.overheadCycles.value) } ?? "-")
          } + ["-"]
      ]
        + variants.map { variant in
          [Cell(variant.name)]
            + ranking.order.map { name in Cell(variant.overheadCycles[name].map { Figure.number($0.value) } ?? "-") }
            + [
              variant.order == ranking.order
                ? Cell("the same", .good) : Cell(variant.order.joined(separator: ", "), .doubtful)
            ]
        })
  }
}
