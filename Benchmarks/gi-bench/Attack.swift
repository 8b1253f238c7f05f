import ArgumentParser
import GuestIntegrity
import Replay
import Report
import ScriptedGuest

/// `gi-bench attack`: every attack under every strategy.
struct AttackCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "attack",
    abstract: "Run every attack on guest integrity under every strategy, and say what came of it.",
    discussion: """
      Each attack is a small program against an emulated guest with its own page tables, kernel, driver and malware; each \
      outcome is what the machine's state and the alerts show afterwards. No recording is read.

      EXAMPLES:
        gi-bench attack
        gi-bench attack --attack A9 --attack A11
        gi-bench attack --strategy eptp-exit --format json

      \(ExitStatus.help)
      """)

  @Option(
    name: .customLong("attack"),
    help: ArgumentHelp("Run this attack; repeatable. Default: all.", valueName: "id"),
    completion: .list(Attack.all.map(\.id)))
  var ids: [String] = []

  @Option(
    name: .customLong("strategy"),
    help: ArgumentHelp("Run under this strategy; repeatable. Default: all.", valueName: "name"),
    completion: .list(Strategy.all.map(\.name)))
  var strategyNames: [String] = []

  @OptionGroup(title: "Output") var output: OutputOptions
  @OptionGroup(title: "Terminal") var console: ConsoleOptions

  func validate() throws {
    for id in ids where !Attack.all.contains(where: { $0.id == id }) {
      throw ValidationError("no attack is named '\(id)'; \(Nearest.advice(for: id, in: Attack.all.map(\.id)))")
    }
    if let complaint = strategyNames.lazy.compactMap(Strategy.complaint).first { throw ValidationError(complaint) }
  }

  func run() throws {
    let destinations = try output.destinations(console: console, inputs: [])
    let attacks = ids.isEmpty ? Attack.all : Attack.all.filter { ids.contains($0.id) }
    let strategies = strategyNames.isEmpty ? Strategy.all : Strategy.all.filter { strategyNames.contains($0.name) }
    let line = console.progressLine(named: "attacks")
    let matrix = try AttackMatrix(attacks, under: strategies, line: line)
    line?.clear()
    try destinations.write { format, paints in
      try rendered(
        { [matrix.document(namesInTable: $0 == .full)] }, as: format, painted: paints, width: ConsoleOptions.columns,
        json: JSONExporter.encode(matrix), csv: matrix.csv)
    }
  }
}
