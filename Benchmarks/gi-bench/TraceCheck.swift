import ArgumentParser
import WriteTrace

/// `gi-bench trace check`: decodes every column of every block, so that any damage is found and named.
struct TraceCheck: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check", abstract: "Decode and verify every column of every block.")

  @Argument(help: "The traces.")
  var traces: [String]

  func run() throws {
    for trace in traces {
      let reader = try TraceReader(path: trace)
      let block = TraceBlock()
      for number in reader.blocks.indices {
        try reader.read(block: number, columns: reader.header.columnSet, into: block)
      }
      print("\(trace): \(reader.blocks.count) blocks, \(reader.header.totals.writes) writes, whole and well-formed")
    }
  }
}
