import ArgumentParser

@main
struct GIBench: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "gi-bench", subcommands: [Trace.self])
}
