import Replay

/// Results as comma-separated values (RFC 4180): one row a strategy, every figure exact.
package enum CSVExporter {
  /// One header row, then one row for each strategy of each result.
  package static func export(_ results: [RunResult]) -> String {
    let rows = results.map { $0.roundedForExport() }.flatMap { result in
      result.strategies.map { fields(of: $0, in: result) }
    }
    guard let first = rows.first else { return "" }
    return export(rows: [first.map(\.name)] + rows.map { $0.map(\.value) })
  }

  /// Any rows, the first with the names of the columns.
  package static func export(rows: [[String]]) -> String {
    rows.map { $0.map(quoted).joined(separator: ",") + "\r\n" }.joined()
  }

  private typealias Field = (name: String, value: String)

  private static func fields(of strategy: StrategyResult, in result: RunResult) -> [Field] {
    let noticed = strategy.notifications
    var fields: [Field] = [
      ("trace", result.trace.path),
      ("trace_digest", result.trace.digest),
      ("policy", result.policy.name),
      ("profile", result.profile.name),
      ("strategy", strategy.name),
      ("sound", String(strategy.sound.value)),
      ("notifications", String(noticed.count)),
      ("notifications_protected", String(noticed.byKind.protected)),
      ("notifications_tree", String(noticed.byKind.tree)),
      ("notifications_gi_code", String(noticed.byKind.giCode)),
      ("notifications_gi_data", String(noticed.byKind.giData)),
      ("false_share", String(noticed.falseShare)),
      ("set_digest", noticed.setDigest),
      ("switches", String(strategy.switches)),
    ]
    fields += bracket("overhead_cycles", strategy.overheadCycles)
    fields += bracket("guest_stall_cycles", strategy.guestStallCycles)
    for end in LatencyEnd.allCases { fields += percentiles("\(end.rawValue)_cycles", end.percentiles(of: noticed)) }
    for stage in Stage.latency.map(\.rawValue) + ["cold"] {
      fields += percentiles("stage_\(stage)_cycles", noticed.stages[stage])
    }
    fields += [("consumer", noticed.consumer?.name ?? "")] + bracket("lost", noticed.consumer?.lost)
    fields += bracket("parked_cycles", noticed.consumer?.parkedCycles)
    fields += [
      ("late_p50_instructions", noticed.late.map { String($0.p50) } ?? ""),
      ("late_p90_instructions", noticed.late.map { String($0.p90) } ?? ""),
      ("late_p99_instructions", noticed.late.map { String($0.p99) } ?? ""),
      ("late_max_instructions", noticed.late.map { String($0.max) } ?? ""),
      ("host_seconds", plain(strategy.host?.seconds)),
      ("host_writes_per_second", plain(strategy.host?.writesPerSecond)),
      ("host_lookup_ns_p50", plain(strategy.host?.lookupNanoseconds?.p50)),
      ("host_lookup_ns_p99", plain(strategy.host?.lookupNanoseconds?.p99)),
      ("host_alert_ns_p50", plain(strategy.host?.alertNanoseconds?.p50)),
      ("host_alert_ns_p99", plain(strategy.host?.alertNanoseconds?.p99)),
    ]
    for event in Event.allCases where result.dimensions != nil || !event.needsTwoDimensions {
      fields.append(("count_\(event.name)", strategy.counts[event.name].map { String($0) } ?? ""))
    }
    return fields + [
      ("host_timer_ns", plain(strategy.host?.timerNanoseconds)),
      ("host_lookup_control", plain(strategy.host?.lookupNanoseconds?.control)),
      ("host_alert_control", plain(strategy.host?.alertNanoseconds?.control)),
    ] + percentiles("host_in_place_raised_ns", strategy.host?.inPlaceNanoseconds?.raised)
      + percentiles("host_in_place_delivered_ns", strategy.host?.inPlaceNanoseconds?.delivered)
  }

  private static func bracket(_ name: String, _ bracket: Bracket?) -> [Field] {
    [(name, plain(bracket?.value)), (name + "_low", plain(bracket?.low)), (name + "_high", plain(bracket?.high))]
  }

  private static func percentiles(_ name: String, _ percentiles: LatencyPercentiles?) -> [Field] {
    LatencyPercentiles.named.flatMap { bracket("\(name)_\($0.name)", percentiles?[keyPath: $0.path]) }
  }

  private static func percentiles(_ name: String, _ percentiles: Percentiles?) -> [Field] {
    Percentiles.named.map { ("\(name)_\($0.name)", plain(percentiles?[keyPath: $0.path])) }
  }

  private static func plain(_ x: Double?) -> String { x.map(Figure.exact) ?? "" }

  /// The field as RFC 4180 wants it; a text that a spreadsheet would compute begins with an apostrophe, as spreadsheets mark text.
  private static func quoted(_ field: String) -> String {
    var field = Terminal.printable(field)
    if let first = field.first, "=+-@".contains(first), Double(field) == nil { field = "'" + field }
    let special: Set<Unicode.Scalar> = ["\"", ",", "\r", "\n"]
    guard field.unicodeScalars.contains(where: special.contains) else { return field }
    return "\"" + field.replacing("\"", with: "\"\"") + "\""
  }
}
