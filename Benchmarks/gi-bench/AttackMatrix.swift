import GuestIntegrity
import Replay
import Report
import ScriptedGuest

/// What came of each attack under each strategy: JSON by itself, and a document for people.
struct AttackMatrix: Encodable {
  let schema = 1
  let attacks: [Row]

  struct Row: Encodable {
    let id: String
    let name: String
    let ground_truth: String
    let outcomes: [String: Outcome]
  }

  struct Outcome: Encodable {
    let outcome: String
    let reason: String
  }

  private let strategies: [Strategy]

  private enum CodingKeys: String, CodingKey {
    case schema, attacks
  }

  /// Runs the attacks, each on a machine of its own.
  init(_ attacks: [Attack], under strategies: [Strategy], line: ProgressLine? = nil) throws {
    self.strategies = strategies
    self.attacks = try attacks.enumerated().map { done, attack in
      line?.show(done: done, of: attacks.count, "run", failed: 0)
      var outcomes: [String: Outcome] = [:]
      for strategy in strategies {
        let outcome = try attack.run(under: strategy.mechanism)
        outcomes[strategy.name] = Outcome(outcome: outcome.kind.rawValue, reason: outcome.reason)
      }
      return Row(id: attack.id, name: attack.name, ground_truth: attack.groundTruth, outcomes: outcomes)
    }
  }

  /// The matrix with what is known of each outcome below; on a terminal the table has no room for names.
  func document(namesInTable: Bool) -> Document {
    var document = Document(title: "Attacks on guest integrity", blocks: [table(names: namesInTable), picture])
    document.blocks.append(.heading("What each attack is, and why it came out so"))
    for row in attacks {
      document.blocks.append(.paragraph("\(row.id): \(row.name). The attacker wins if \(row.ground_truth)."))
      document.blocks.append(.list(reasons(of: row)))
    }
    document.blocks += [.heading("Soundness of the strategies"), .paragraph(Soundness.exception)]
    document.blocks.append(
      .list(
        strategies.map {
          Cell("\($0.name): \($0.sound.value ? "sound" : "unsound"), \($0.sound.reason)", $0.sound.value ? .good : .bad)
        }))
    return document
  }

  private func table(names: Bool) -> Document.Block {
    .table(
      Table(
        caption: "Outcome of each attack, as run on the emulated machine.",
        columns: [.words("attack")] + (names ? [.words("what")] : []) + strategies.map { .words($0.name) },
        rows: attacks.map { row in
          [Cell(row.id)] + (names ? [Cell(row.name)] : []) + strategies.map { cell(of: row, under: $0) }
        }, isSplit: true, isMatrix: true))
  }

  /// How many attacks come out how, strategy by strategy.
  private var picture: Document.Block {
    let kinds = AttackOutcome.Kind.allCases.map(\.rawValue)
    return .picture(
      .stacks(
        StackChart(
          title: "What attacks come to", unit: "attacks", parts: kinds,
          bars: strategies.map { strategy in
            StackChart.Bar(
              label: strategy.name,
              values: kinds.map { kind in Double(attacks.count { $0.outcomes[strategy.name]?.outcome == kind }) })
          })))
  }

  private func cell(of row: Row, under strategy: Strategy) -> Cell {
    let outcome = row.outcomes[strategy.name]?.outcome ?? ""
    return Cell(outcome, tone(of: outcome))
  }

  private func tone(of outcome: String) -> Tone {
    switch AttackOutcome.Kind(rawValue: outcome) {
    case .blocked, .detected: .good
    case .late: .doubtful
    case .missed: .bad
    case .notApplicable, nil: .plain
    }
  }

  /// Each reason once, with the strategies it holds for.
  private func reasons(of row: Row) -> [Cell] {
    var names: [(outcome: Outcome, strategies: [String])] = []
    for strategy in strategies {
      guard let outcome = row.outcomes[strategy.name] else { continue }
      if let index = names.firstIndex(where: { $0.outcome.reason == outcome.reason }) {
        names[index].strategies.append(strategy.name)
      } else {
        names.append((outcome, [strategy.name]))
      }
    }
    return names.map {
      let isAll = $0.strategies.count == strategies.count && strategies.count > 1
      return Cell(
        "\(isAll ? "all" : $0.strategies.joined(separator: ", ")): \($0.outcome.outcome), \($0.outcome.reason)",
        tone(of: $0.outcome.outcome))
    }
  }

  var csv: String {
    CSVExporter.export(
      rows: [["attack", "name", "ground_truth", "strategy", "outcome", "reason"]]
        + attacks.flatMap { row in
          strategies.compactMap { strategy in
            row.outcomes[strategy.name].map {
              [row.id, row.name, row.ground_truth, strategy.name, $0.outcome, $0.reason]
            }
          }
        })
  }
}
