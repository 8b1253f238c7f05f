import ArgumentParser

/// `gi-bench trace`: look into, verify, import, export, synthesise and cut write traces.
struct Trace: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Look into, verify, import, export, synthesise and cut write traces.",
    subcommands: [
      TraceInfo.self, TraceView.self, TraceStats.self, TraceCheckCommand.self, TraceConvert.self, TraceGenerate.self,
      TraceCutCommand.self,
    ])
}
