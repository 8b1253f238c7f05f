import Replay

extension Contract {
  /// The promise in a few words.
  var title: String {
    switch self {
    case .sound: "sound"
    case .soundInGuest: "sound inside the guest"
    case .detectionOnly: "detection only, late"
    }
  }
}

extension RunResult {
  /// What the run found, contract by contract: what costs least, and how sure that is.
  var answerNotes: [Cell] {
    guard let rankings else { return [] }
    return Contract.allCases.compactMap { contract in
      guard let ranking = rankings[contract], let first = ranking.order.first,
        let best = strategies.first(where: { $0.name == first })
      else { return nil }
      let cost =
        "\(Figure.number(best.overheadCycles.value)) cycles (\(Figure.range(best.overheadCycles)))"
        + (best.armed.map { ", \(Figure.number($0.percent.one)) % of the armed guest at 1 cycle an instruction" } ?? "")
      guard ranking.order.count > 1 else { return Cell("\(contract.title): \(first) alone, \(cost).") }
      let verdict = pairs?.first { Set([$0.cheaper, $0.dearer]) == Set(ranking.order.prefix(2)) }
      return Cell(
        "\(contract.title): \(first) costs least, \(cost); against \(ranking.order[1]) "
          + "\(verdict?.words ?? "not judged").", verdict?.tone ?? .plain)
    }
  }

  /// Rankings by contract, cheapest first, with what is known of each neighbouring order.
  var rankingNotes: [Cell] {
    guard let rankings else { return [] }
    return Contract.allCases.compactMap { contract in
      guard let ranking = rankings[contract], !ranking.order.isEmpty else { return nil }
      let steps = zip(ranking.order, ranking.order.dropFirst()).map { cheaper, dearer in
        let verdict = pairs?.first { Set([$0.cheaper, $0.dearer]) == Set([cheaper, dearer]) }
        return "\(dearer) (\(verdict?.words ?? "not judged"))"
      }
      let isOpen = ranking.robust.contains(false)
      return Cell(
        "\(contract.title): " + ([ranking.order[0]] + steps).joined(separator: ", then ") + ".",
        isOpen ? .doubtful : .plain)
    }
  }

  /// Every strategy against every other.
  var pairTable: Table? {
    guard let pairs, !pairs.isEmpty else { return nil }
    let names = strategies.map(\.name)
    return Table(
      caption: "Row against column, within these brackets and this model: < costs less, > more; robust; ? undecided, "
        + "one cost or structure turns it alone; 2 to 9: so many must move together; and the per cent of "
        + "\(box.map { "\($0.points) points of the box, seed \($0.seed)," } ?? "the box") in which the order holds",
      columns: [.words("")] + names.map { .figure($0) },
      rows: names.map { row in
        [Cell(row)]
          + names.map { column in
            guard let pair = pairs.first(where: { Set([$0.cheaper, $0.dearer]) == Set([row, column]) }),
              row != column
            else { return Cell("-") }
            return Cell((pair.verdict == .same ? "=" : pair.cheaper == row ? "<" : ">") + pair.mark, pair.tone)
          }
      }, isSplit: true, isMatrix: true)
  }

  /// What structures of the world that nobody settled do to each overhead; nil where there are none.
  var structureTable: Table? {
    guard let structures, structures.count > 1 else { return nil }
    return Table(
      caption:
        "Overhead where the world is otherwise, in modelled cycles: a full second-level TLB lost at each INVEPT, the L1D "
        + "flushed behind each emulated store, another hypervisor; verdicts must hold in each, and in any of "
        + "these together",
      columns: [.words("strategy"), .figure("as given")] + structures.dropFirst().map { .figure($0.name) },
      rows: strategies.map { strategy in
        [Cell(strategy.name)]
          + structures.map { variant in
            Cell(variant.overheadCycles[strategy.name].map { Figure.number($0.value) } ?? "-")
          }
      })
  }

  /// What each overhead rests on.
  var evidenceTable: Table? {
    let rows = strategies.compactMap { strategy in strategy.overheadParts.map { (strategy.name, $0) } }
      .filter { $0.1.simulated != nil }
    guard !rows.isEmpty else { return nil }
    func share(_ x: Double?) -> Cell { Cell(x.map { "\(Figure.number($0)) %" } ?? "-") }
    return Table(
      caption:
        "What each overhead rests on: walks and TLB hits that are simulated; counts at costs that are published, "
        + "measured, assumed",
      columns: [
        .words("strategy"), .figure("simulated"), .figure("published"), .figure("measured"), .figure("assumed"),
      ],
      rows: rows.map { name, parts in
        [Cell(name), share(parts.simulated), share(parts.published), share(parts.measured), share(parts.assumed)]
      })
  }

  /// What each strategy costs while something is protected.
  var armedTable: Table? {
    let rows = strategies.compactMap { strategy in strategy.armed.map { (strategy, $0) } }
    guard let instructions = rows.first?.1.instructions else { return nil }
    return Table(
      caption:
        "Set-up apart, over the \(Figure.count(instructions)) instructions since protection began: running cost in "
        + "modelled cycles for each 1000, and in per cent of their time at 0.5, 1 and 2 cycles each",
      columns: [
        .words("strategy"), .figure("set-up"), .figure("per 1000 armed"), .figure("% at 0.5"), .figure("at 1"),
        .figure("at 2"),
      ],
      rows: rows.map { strategy, armed in
        [Cell(strategy.name), Cell(strategy.setupCycles.map { Figure.number($0.value) } ?? "-")]
          + [armed.per1000, armed.percent.half, armed.percent.one, armed.percent.two].map { Cell(Figure.number($0)) }
      })
  }
}

extension PairVerdict {
  /// The verdict in words.
  var words: String {
    let held = "\(Figure.number(share * 100)) % of the box"
    return switch verdict {
    case .robust: "robust"
    case .undecided: "undecided, holds in \(held)"
    case .together: "needs \(together ?? 2) moved together, holds in \(held)"
    case .same: "the same cost"
    }
  }

  /// The verdict in a cell of the matrix.
  fileprivate var mark: String {
    let per = String(Int((share * 100).rounded(.down)))
    return switch verdict {
    case .robust: " robust"
    case .undecided: "? \(per)"
    case .together: "\(min(together ?? 2, 9)) \(per)"
    case .same: " same"
    }
  }

  var tone: Tone {
    switch verdict {
    case .robust: .good
    case .undecided: .doubtful
    case .together, .same: .plain
    }
  }
}
