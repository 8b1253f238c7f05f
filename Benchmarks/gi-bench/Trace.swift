import ArgumentParser

/// `gi-bench trace`: look into, verify and import recorded write traces.
struct Trace: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Look into, verify and import write traces.",
    subcommands: [TraceInfo.self, TraceView.self, TraceCheckCommand.self, TraceConvert.self])
}
