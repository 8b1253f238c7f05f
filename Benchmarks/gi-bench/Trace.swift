import ArgumentParser

/// `gi-bench trace`: look into, verify, import, export, synthesise and cut recorded write traces.
struct Trace: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Look into, verify, import, export, synthesise and cut write traces.",
    subcommands: [TraceConvert.self])
}
