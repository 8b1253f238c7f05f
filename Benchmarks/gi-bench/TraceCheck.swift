import ArgumentParser
import Recordings
import Report

/// `gi-bench trace check`: damage, and everything a recording must satisfy.
struct TraceCheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check", abstract: "Verify that traces are whole, and that what they hold can be.",
    discussion: """
      Decodes every column of every block, then checks: totals, order, ranges, tables, translations, \
      marks, ground-truth, hypercalls. \
      Damage ends with status 1, anything else that does not hold with status 2.
      """)

  @Argument(help: "The traces.")
  var traces: [String]

  @Flag(help: "Check the whole blocks of a file that breaks off.")
  var salvage = false

  func run() throws {
    var failed: [String] = []
    for trace in traces {
      let reader = try RecordingReader(path: trace, salvage: salvage)
      let findings = try RecordingCheck.findings(in: reader)
      for finding in findings {
        try say("\(trace): \(finding.invariant.rawValue): \(finding.description)")
      }
      if findings.isEmpty {
        try say("\(trace): \(reader.blocks.count) blocks, \(reader.header.totals.writes) writes, sound")
      } else {
        failed.append(trace)
      }
    }
    guard failed.isEmpty else {
      throw Failure(.regression, "\(failed.joined(separator: ", ")): does not hold what a recording must; record anew")
    }
  }

  private func say(_ line: String) throws { try OutputFile.writeStandardOutput(Terminal.printable(line) + "\n") }
}
