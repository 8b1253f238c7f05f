import ArgumentParser
import Recordings
import Report

/// `gi-bench trace check`: damage, and everything a recording must satisfy.
struct TraceCheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check", abstract: "Verify that traces are whole, and that their contents are possible.",
    discussion: """
      Decodes every column of every block, then checks: totals, order, ranges, tables, translations, \
      marks, ground-truth, hypercalls. \
      Damage ends with status 1, anything else that does not hold with status 2.
      """)

  @Argument(help: "The traces.")
  var traces: [String]

  @Flag(help: "Check the whole blocks of a truncated file.")
  var salvage = false

  func run() throws {
    var (failed, unreadable): ([String], [any Error]) = ([], [])
    for trace in traces {
      let (reader, findings): (RecordingReader, [RecordingCheck.Finding])
      do {
        reader = try RecordingReader(path: trace, salvage: salvage)
        findings = try ActivityLine.during("checking \(trace)", reading: trace) {
          try RecordingCheck.findings(in: reader)
        }
      } catch {
        // One that cannot be read says nothing of the others.
        unreadable.append(error)
        continue
      }
      for finding in findings {
        try say("\(trace): \(finding.invariant.rawValue): \(finding.description)")
      }
      if findings.isEmpty {
        try say("\(trace): \(reader.blocks.count) blocks, \(reader.header.totals.writes) writes, sound")
      } else {
        failed.append(trace)
      }
    }
    for error in unreadable.dropLast() { StandardError.say("gi-bench: \(Failure(from: error).sentence)") }
    if let last = unreadable.last { throw last }
    guard failed.isEmpty else {
      throw Failure(.regression, "\(failed.joined(separator: ", ")): does not hold what a recording must; record anew")
    }
  }

  private func say(_ line: String) throws { try OutputFile.writeStandardOutput(Terminal.printable(line) + "\n") }
}
