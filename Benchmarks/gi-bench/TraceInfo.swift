import ArgumentParser
import Foundation
import Report
import Recordings

/// `gi-bench trace info`: what a trace holds, and what was recorded.
struct TraceInfo: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "info", abstract: "Say what a trace holds, and what was recorded with what.")

  @Argument(help: "The trace; - is the standard input.")
  var trace: String

  @Option(help: "Format of the answer.")
  var format = AnswerFormat.text

  func run() throws {
    let reader = try RecordingReader(path: trace)
    let summary = try TraceSummary(reader, path: trace)
    switch format {
    case .json: try OutputFile.writeStandardOutput(JSONExporter.encode(summary))
    case .text: try OutputFile.writeStandardOutput(summary.text)
    }
  }
}

/// What `trace info` says, as JSON and as text.
private struct TraceSummary: Encodable {
  var path: String
  var version: UInt32
  var digest: String
  var bytes: UInt64
  var blocks: Int
  var complete: Bool
  var columns: [String]
  var column_bytes: [String: Int]
  var totals: RecordingHeader.Totals
  var recording: Recording

  /// The description without its long tables.
  struct Recording: Encodable {
    var title: String
    var origin: String
    var addresses: String
    var guest: RecordingDescription.Guest
    var recorder: RecordingDescription.Recorder
    var marks: [RecordingDescription.NamedMark]
    var marks_before: [RecordingDescription.NamedMark]?
    var workload: String?
    var replicate: Int?
    var instructions_per_second: UInt64?
    var accesses_from: String?
    var cut: RecordingPart?
    var regions: [RecordingDescription.Region]
    var symbols: Int
    var ground_truth: Int
    var notes: [String]
    var log: RecordedLog?
    var cautions: [String]?
  }

  init(_ reader: RecordingReader, path: String) throws {
    let header = reader.header
    let description = header.recording
    let marks = try RecordedMarks(reader)
    self.path = path
    version = reader.version
    digest = reader.digest.map { "\($0)" } ?? ""
    bytes = reader.bytes
    blocks = reader.blocks.count
    complete = header.complete
    columns = header.columns
    column_bytes = reader.blocks.reduce(into: [:]) { sums, block in
      for (column, bytes) in block.storedBytes { sums[column.name, default: 0] += bytes }
    }
    totals = header.totals
    recording = Recording(
      title: description.title, origin: description.origin.rawValue, addresses: description.addresses.rawValue,
      guest: description.guest, recorder: description.recorder, marks: marks.marks,
      marks_before: marks.before.isEmpty ? nil : marks.before, workload: description.workload,
      replicate: description.replicate, instructions_per_second: description.instructionsPerSecond,
      accesses_from: description.accessesFrom, cut: description.part, regions: description.regions,
      symbols: description.symbols.count, ground_truth: description.groundTruth.count,
      notes: description.notes, log: description.log,
      cautions: description.cautions.isEmpty ? nil : description.cautions)
  }

  /// The facts, one below the other, as wide as the terminal.
  var text: String {
    let indent = String(repeating: " ", count: 14)
    return facts.map { name, value in
      let lines = Terminal.wrapped(value, indent: indent, width: ConsoleOptions.columns).joined(separator: "\n") + "\n"
      return name.padding(toLength: indent.count, withPad: " ", startingAt: 0) + lines.dropFirst(indent.count)
    }.joined()
  }

  private var facts: [(String, String)] {
    let guest = recording.guest
    let lines: [(String, String)] = [
      ("trace", "\(path), \(bytes) bytes, \(blocks) blocks, version \(version)\(complete ? "" : ", INCOMPLETE")"),
      ("digest", digest),
      ("title", recording.title),
      ("origin", "\(recording.origin), \(addressesText)"),
      ("workload", workloadText),
      ("kernel", guest.kernelPackage ?? "unknown"),
      ("command line", guest.commandLine ?? "unknown"),
      ("memory", guest.ramBytes.map { "\($0) bytes" } ?? "unknown"),
      ("vCPUs", "\(totals.vcpus)"),
      ("writes", "\(totals.writes), \(totals.bytes) bytes"),
      ("runs", "\(totals.runs)"),
      ("loads", accessesText(totals.loads)),
      ("fetches", accessesText(totals.fetches)),
      ("pages", "\(totals.pages)"),
      ("instructions", totals.instructions.map(String.init).joined(separator: " + ")),
      ("hypercalls", "\(totals.hypercalls)"),
      ("CR3 loads", "\(totals.cr3Loads)"),
      ("mappings", "\(totals.maps)"),
      ("halts", "\(totals.halts ?? 0)"),
      ("marks", "\(recording.marks.count): " + recording.marks.map(\.name).joined(separator: ", ")),
      ("regions", regions),
      ("ground truth", "\(recording.ground_truth) acts"),
      ("columns", columns.map { "\($0) \(column_bytes[$0, default: 0])" }.joined(separator: ", ")),
      ("recorder", [recording.recorder.name, recording.recorder.version ?? ""].joined(separator: " ")),
    ]
    let before = (recording.marks_before ?? []).map(\.name).joined(separator: ", ")
    return lines + (before.isEmpty ? [] : [("before the cut", before)])
      + (recording.cautions ?? []).map { ("caution", $0) } + tasks + recording.notes.map { ("note", $0) }
  }

  private var workloadText: String {
    guard let workload = recording.workload else { return "not named" }
    let rate = recording.instructions_per_second.map { ", \($0) instructions of a vCPU in a second of its time" } ?? ""
    return workload + (recording.replicate.map { ", recording \($0)" } ?? "") + rate
  }

  private func accessesText(_ accesses: RecordingHeader.Totals.Accesses?) -> String {
    guard let accesses else { return "not recorded" }
    return "\(accesses.accesses) in \(accesses.runs) runs, from "
      + (recording.accesses_from.map { "mark \($0) on" } ?? "the start on")
  }

  private var addressesText: String {
    recording.log?.truePages == .guestPhysical
      ? "guest-physical addresses, frames numbered by first touch" : "\(recording.addresses) addresses"
  }

  /// The tasks of an imported log.
  private var tasks: [(String, String)] {
    guard let tasks = recording.log?.tasks, !tasks.isEmpty else { return [] }
    let texts = tasks.prefix(40).map { task in
      "\(task.task)" + (task.name.map { " (\($0))" } ?? "") + (task.process.map { " of process \($0)" } ?? "")
        + (task.vcpu.map { " vCPU \($0), \(task.stores) stores" } ?? "")
    }
    return [("tasks", texts.joined(separator: "; ") + (tasks.count > 40 ? "; and \(tasks.count - 40) more" : ""))]
  }

  /// Each name once, with the number of its ranges.
  private var regions: String {
    let ranges = Dictionary(grouping: recording.regions, by: \.name).mapValues(\.count)
    var listed: Set<String> = []
    return recording.regions.map(\.name).filter { listed.insert($0).inserted }.map { name in
      let count = ranges[name, default: 0]
      return name + (count > 1 ? " (\(count) ranges)" : "")
    }.joined(separator: ", ")
  }
}
