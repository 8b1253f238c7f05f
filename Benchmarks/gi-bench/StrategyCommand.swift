import ArgumentParser
import GuestIntegrity
import Replay
import Report
import ScriptedGuest

/// `gi-bench strategy`: what the names mean.
struct StrategyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "strategy", abstract: "Say what the strategies are, and what they promise.",
    discussion: """
      EXAMPLES:
        gi-bench strategy list
        gi-bench strategy show vmfunc
      """,
    subcommands: [StrategyList.self, StrategyShow.self])
}

/// `gi-bench strategy list`.
struct StrategyList: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List the strategies, one sentence each.")

  @Option(help: "Format of the answer.") var format = AnswerFormat.text

  func run() throws {
    let answers = Strategy.all.map { StrategyAnswer($0) }
    switch format {
    case .json: try OutputFile.writeStandardOutput(JSONExporter.encode(answers))
    case .text:
      let table = Table(
        caption: "Ways to let the driver write what nobody else may, and to notice everybody else",
        columns: [.words("strategy"), .words("sound"), .words("what it does")],
        rows: Strategy.all.map {
          [Cell($0.name), $0.sound.value ? Cell("yes", .good) : Cell("no", .bad), Cell($0.summary)]
        })
      let document = Document(
        title: "\(Strategy.all.count) strategies",
        blocks: [
          .table(table), .paragraph(Soundness.exception),
          .paragraph("`gi-bench strategy show NAME` says more of each."),
        ])
      try OutputFile.writeStandardOutput(TextExporter(width: ConsoleOptions.columns).export([document]))
    }
  }
}

/// `gi-bench strategy show`.
struct StrategyShow: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show",
    abstract: "Say what a strategy is made of, what it needs and promises, and what attacks achieve.")

  @Argument(help: "The strategy's name.", completion: .list(Strategy.all.map(\.name)))
  var name: String

  @Option(help: "Format of the answer.") var format = AnswerFormat.text

  func validate() throws { if let complaint = Strategy.complaint(about: name) { throw ValidationError(complaint) } }

  func run() throws {
    guard let strategy = Strategy.named(name) else { return }
    let matrix = try AttackMatrix(Attack.all, under: [strategy])
    let answer = StrategyAnswer(strategy, attacks: matrix)
    switch format {
    case .json: try OutputFile.writeStandardOutput(JSONExporter.encode(answer))
    case .text:
      try OutputFile.writeStandardOutput(TextExporter(width: ConsoleOptions.columns).export([answer.document(matrix)]))
    }
  }
}

/// What is said of a strategy.
private struct StrategyAnswer: Encodable {
  var name: String
  var summary: String
  var switching: Choice
  var noticing: Choice
  var completion: Choice
  var contract: String
  var sound: Soundness
  var needs: [String]
  /// Names of the embedded profiles whose processor offers it.
  var profiles: [String]
  var attacks: [String: String]?

  struct Choice: Encodable {
    var name: String
    var meaning: String

    init(_ choice: any MechanismChoice) { (name, meaning) = (choice.name, choice.meaning) }
  }

  init(_ strategy: Strategy, attacks matrix: AttackMatrix? = nil) {
    name = strategy.name
    summary = strategy.summary
    let mechanism = strategy.mechanism
    switching = Choice(mechanism.switching)
    noticing = Choice(mechanism.noticing)
    completion = Choice(mechanism.completion)
    contract =
      switch strategy.contract {
      case .everyStore: "every store to a monitored page, before its effect"
      case .protectedSubPages: "every store to 128 bytes that hold a protected one, before its effect"
      case .pagesSinceDrain:
        "the first store to a page since its log was drained, after its effect and without its value"
      }
    sound = strategy.sound
    needs = strategy.features.map(\.title)
    profiles = ProfileLibrary.names.filter { name in
      (try? ProfileLibrary.profile(named: name)).map { strategy.missingFeatures(on: $0).isEmpty } ?? false
    }
    attacks = matrix.map { matrix in
      Dictionary(uniqueKeysWithValues: matrix.attacks.map { ($0.id, $0.outcomes[strategy.name]?.outcome ?? "") })
    }
  }

  func document(_ matrix: AttackMatrix) -> Document {
    let outcomes = Dictionary(grouping: matrix.attacks) { $0.outcomes[name]?.outcome ?? "" }
    let order = ["missed", "late", "detected", "blocked", "not-applicable"]
    return Document(
      title: "\(name): \(summary)",
      blocks: [
        .facts([
          Document.Fact("switches", switching.meaning),
          Document.Fact("notices", noticing.meaning),
          Document.Fact("completes", completion.meaning),
          Document.Fact("contract", contract),
          Document.Fact(
            "sound", "\(sound.value ? "yes" : "no"): \(sound.reason)" + (sound.value ? ". \(Soundness.exception)" : "")),
          Document.Fact("needs", needs.isEmpty ? "nothing beyond EPT" : needs.joined(separator: ", ")),
          Document.Fact("offered by", profiles.joined(separator: ", ")),
        ]), .heading("What attacks come to (`gi-bench attack --strategy \(name)` says why)"),
        .facts(
          order.compactMap { outcome in
            outcomes[outcome].map { Document.Fact(outcome, $0.map(\.id).joined(separator: ", ")) }
          }),
      ])
  }
}
