import Foundation
import MonitorTree

extension Policy {
  /// The greatest policy file that is read, in bytes.
  public static let sizeLimit = 1 << 20
  /// The most regions a policy may have: as many as a hypercall can number.
  static let regionLimit = 0xffff

  /// A policy from JSON, every rule checked; `origin` names the file in errors.
  ///
  /// Throws ``ReplayError``.
  public init(json: Data, origin: String) throws {
    let root = try JSONObject(
      file: json, "policy", "policies", keys: ["schema", "name", "actions", "regions"],
      needed: "schema, name and regions", origin: origin)
    name = try root.text("name")
    self.origin = origin
    let actions = try root.actions("actions") ?? [.count, .log, .notify]
    guard case .list(let listed)? = root["regions"], !listed.isEmpty else {
      throw root.failure("regions is no list of one or more regions; name what to protect")
    }
    guard listed.count <= Self.regionLimit else {
      throw root.failure("\(listed.count) regions, expected at most \(Self.regionLimit); join some")
    }
    regions = try listed.enumerated().map { index, value in
      let object = try JSONObject(value, place: "regions[\(index)]", origin: origin)
      return Region(
        name: try object.text("name"), place: try object.place(), actions: try object.actions("actions") ?? actions,
        isCritical: try object.critical())
    }
    var seen: Set<String> = []
    if let twice = regions.first(where: { !seen.insert($0.name).inserted }) {
      throw root.failure("two regions are named '\(twice.name)'; results tell regions apart by name, rename one")
    }
  }
}

extension AlertActions {
  /// Every action under its name in policy files, weakest first.
  static let named: [(name: String, action: AlertActions)] = [
    ("count", .count), ("log", .log), ("notify", .notify), ("blockWrite", .blockWrite), ("inject", .inject),
    ("networkIsolate", .networkIsolate), ("suspend", .suspend), ("snapshotThenSuspend", .snapshotThenSuspend),
    ("powerOff", .powerOff),
  ]
}

/// What objects of a policy file hold.
extension JSONObject {
  fileprivate func actions(_ key: String) throws -> AlertActions? {
    guard let value = self[key] else { return nil }
    let names = AlertActions.named.map(\.name)
    guard case .list(let listed) = value, !listed.isEmpty else {
      throw failure("\(key) is no list of one or more actions, expected some of \(names.joined(separator: ", "))")
    }
    return try listed.enumerated().reduce(into: []) { actions, item in
      guard case .text(let name) = item.element, let action = AlertActions.named.first(where: { $0.name == name })
      else {
        let found = if case .text(let name) = item.element { "'\(name)'" } else { "no text" }
        throw failure(
          "\(key)[\(item.offset)] is \(found), expected an action; "
            + Nearest.advice(for: found.trimmingCharacters(in: ["'"]), in: names))
      }
      actions.formUnion(action.action)
    }
  }

  fileprivate func critical() throws -> Bool {
    switch self["critical"] {
    case nil: return false
    case .flag(let isCritical): return isCritical
    default: throw failure("critical is neither true nor false; leave it out or say one of them")
    }
  }

  fileprivate func place() throws -> Policy.Place {
    try allow([
      "name", "actions", "critical", "symbol", "offset", "bytes", "from", "to", "section", "gpa", "every", "count",
      "linear", "page_tables",
    ])
    let kinds = ["symbol", "from", "section", "gpa", "linear", "page_tables"].filter { self[$0] != nil }
    guard kinds.count == 1, let kind = kinds.first else {
      throw failure(
        "\(kinds.isEmpty ? "no place" : "the places \(kinds.joined(separator: " and "))"), expected exactly one of symbol, "
          + "from (and to), section, gpa, linear, page_tables")
    }
    switch kind {
    case "symbol":
      try allow(["name", "actions", "critical", "symbol", "offset", "bytes"])
      return .symbol(try text("symbol"), offset: try count("offset") ?? 0, bytes: try size())
    case "from":
      try allow(["name", "actions", "critical", "from", "to"])
      return .between(from: try text("from"), to: try text("to"))
    case "section":
      try allow(["name", "actions", "critical", "section"])
      return .section(try text("section"))
    case "gpa": return try repeated()
    case "linear": return .linear(try range(from: kind))
    default:
      try allow(["name", "actions", "critical", "page_tables"])
      guard self["page_tables"] == .flag(true) else {
        throw failure("page_tables is not true; leave it out or say true")
      }
      return .pageTables
    }
  }

  /// Bytes, or as many ranges of them as `count` says, each `every` bytes behind the one before.
  private func repeated() throws -> Policy.Place {
    guard self["every"] != nil || self["count"] != nil else { return .bytes(try range(from: "gpa")) }
    let range = try range(from: "gpa", also: ["every", "count"])
    let bytes = range.upperBound - range.lowerBound
    guard let every = try count("every"), let times = try count("count"), times > 0, every >= bytes else {
      throw failure(
        "every and count are no repetition, expected both, every at least the \(bytes) bytes of one range and count at "
          + "least 1")
    }
    let (reach, isTooLong) = every.multipliedReportingOverflow(by: times - 1)
    guard !isTooLong, !range.upperBound.addingReportingOverflow(reach).overflow else {
      throw failure("every and count run past the last address; give smaller ones")
    }
    return .bytes(range, every: every, count: times)
  }

  private func range(from key: String, also keys: [String] = []) throws -> Range<UInt64> {
    try allow(["name", "actions", "critical", key, "bytes"] + keys)
    guard let start = try count(key), let bytes = try size() else {
      throw failure("bytes is missing, expected how many bytes from \(key) on")
    }
    let (end, overflow) = start.addingReportingOverflow(bytes)
    guard !overflow else { throw failure("\(key) and bytes run past the last address; give a shorter range") }
    return start..<end
  }

  private func size() throws -> UInt64? {
    let bytes = try count("bytes")
    guard bytes != 0 else { throw failure("bytes is 0, an empty range; give a size, or leave the region out") }
    return bytes
  }
}
