import Addresses
import Foundation
import Recordings
import Replay

/// Every notification in a file, as it comes: comma-separated values, lines of JSON, or slices for the Perfetto viewer.
package struct NotificationListing {
  /// The forms a listing has; the path's end tells which.
  package enum Form: Sendable {
    /// A row each, the names of the columns first.
    case csv
    /// An object a line each.
    case jsonLines
    /// A slice each with its stages inside, in the Trace Event Format.
    case perfetto
  }

  /// What a listing is called by a path's end; nil where no end says.
  package static func form(of path: String) -> Form? {
    if path.hasSuffix(".csv") { return .csv }
    if path.hasSuffix(".jsonl") { return .jsonLines }
    return path.hasSuffix(".perfetto.json") ? .perfetto : nil
  }

  private let form: Form
  private var perfetto: PerfettoSlices

  /// A listing of notifications that a profile prices.
  package init(as form: Form, priced profile: CycleProfile) {
    self.form = form
    perfetto = PerfettoSlices(profile: profile)
  }

  /// What comes first.
  package var head: String {
    switch form {
    case .csv: CSVExporter.export(rows: [Self.columns])
    case .jsonLines: ""
    case .perfetto: "{\"displayTimeUnit\":\"ns\",\"traceEvents\":[\n"
    }
  }

  /// One notification of a recording.
  package mutating func text(of notification: ListedNotification, in trace: String) throws -> String {
    switch form {
    case .csv: CSVExporter.export(rows: [Self.row(notification, trace)])
    case .jsonLines: try JSONLine.object(Self.line(of: notification, in: trace)) + "\n"
    case .perfetto: try perfetto.events(of: notification, in: trace)
    }
  }

  /// What comes last.
  package var tail: String { form == .perfetto ? "\n]}\n" : "" }
}

// MARK: - Rows and lines

extension NotificationListing {
  private static let columns =
    [
      "trace", "strategy", "number", "store", "vcpu", "instructions", "address", "bytes", "symbol", "offset", "region",
      "kind", "by_walker", "touches", "mark", "windows", "actions", "lost", "late_instructions",
    ]
    + ["raised_cycles", "delivered_cycles", "stall_cycles"].flatMap { [$0, $0 + "_low", $0 + "_high"] }

  private static func row(_ listed: ListedNotification, _ trace: String) -> [String] {
    func bracket(_ bracket: Bracket?) -> [String] {
      [bracket?.value, bracket?.low, bracket?.high].map { $0.map { Figure.exact(rounded($0, parts: 10)) } ?? "" }
    }
    return [
      trace, listed.strategy, String(listed.number), String(listed.store), String(listed.vcpu),
      String(listed.instructions), hex(listed.address.rawValue), String(listed.bytes), listed.symbol ?? "",
      hex(listed.offset), listed.region ?? "", listed.kind, String(listed.isByWalker), listed.touches ?? "",
      listed.mark ?? "", String(listed.windows), listed.actions.joined(separator: " "), String(listed.isLost),
      listed.lateInstructions.map { String($0) } ?? "",
    ] + bracket(listed.raised) + bracket(listed.delivered) + bracket(listed.stall)
  }

  /// A notification as JSON tells it.
  struct Line: Encodable {
    var trace: String
    var strategy: String
    var number: UInt64
    var store: UInt64
    var vcpu: Int
    var instructions: UInt64
    var address: String
    var bytes: Int
    var symbol: String?
    var offset: String
    var region: String?
    var kind: String
    var by_walker: Bool
    var touches: String?
    var mark: String?
    var windows: UInt64
    var actions: [String]
    var lost: Bool
    var late_instructions: UInt64?
    var raised_cycles: Bracket?
    var delivered_cycles: Bracket?
    var stall_cycles: Bracket?
  }

  static func line(of listed: ListedNotification, in trace: String) -> Line {
    func tenths(_ bracket: Bracket?) -> Bracket? {
      bracket.map {
        Bracket(
          low: rounded($0.low, parts: 10), value: rounded($0.value, parts: 10), high: rounded($0.high, parts: 10))
      }
    }
    return Line(
      trace: trace, strategy: listed.strategy, number: listed.number, store: listed.store, vcpu: listed.vcpu,
      instructions: listed.instructions, address: hex(listed.address.rawValue), bytes: listed.bytes,
      symbol: listed.symbol, offset: hex(listed.offset), region: listed.region, kind: listed.kind,
      by_walker: listed.isByWalker, touches: listed.touches, mark: listed.mark, windows: listed.windows,
      actions: listed.actions, lost: listed.isLost, late_instructions: listed.lateInstructions,
      raised_cycles: tenths(listed.raised), delivered_cycles: tenths(listed.delivered),
      stall_cycles: tenths(listed.stall))
  }
}

/// A value as one line of JSON that acts on no terminal.
enum JSONLine {
  static func object(_ value: some Encodable) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return SafeText.json(String(decoding: try encoder.encode(value), as: UTF8.self))
  }
}
