import Foundation
import Recordings
import Replay

extension SweepPlan {
  /// The options of `run` that a plan may vary.
  package static let options = [
    "arm", "consumer", "cost", "cpi", "dimensions", "exits-per-second", "hypervisor", "mitigations", "policy",
    "profile",
    "refill", "seed",
  ]

  /// A plan from JSON, every rule checked; `origin` names the file in errors.
  ///
  /// Throws `ReplayError`.
  package init(json: Data, origin: String) throws {
    let root = try JSONObject(
      file: json, "plan", "plans", keys: ["schema", "name", "recordings", "strategies", "vary", "host_times"],
      needed: "schema, name and recordings", origin: origin)
    name = try root.text("name")
    recordings = try root.sources(origin: origin)
    strategies = try root.strategies()
    axes = try root.axes(origin: origin)
    switch root["host_times"] {
    case nil, .flag(false)?: readsClock = false
    case .flag(true)?: readsClock = true
    default: throw root.failure("host_times is neither true nor false; leave it out for false")
    }
    guard cellCount != nil else {
      throw root.failure(
        "more than \(Self.cellLimit) cells, expected fewer; divide the plan into several and join their results")
    }
  }
}

extension JSONObject {
  fileprivate func sources(origin: String) throws -> [SweepPlan.Source] {
    guard case .list(let listed)? = self["recordings"], !listed.isEmpty else {
      throw failure("recordings is no list of one or more; name the traces to replay")
    }
    var seen: Set<String> = []
    return try listed.enumerated().map { index, value in
      let (name, source) = try Self.source(value, place: "recordings[\(index)]", origin: origin)
      guard seen.insert(name).inserted else {
        throw failure("recordings[\(index)] is '\(name)' for the second time; name each once")
      }
      return source
    }
  }

  private static func source(
    _ value: JSONValue, place: String, origin: String
  ) throws -> (String, SweepPlan.Source) {
    if case .text(let path) = value, !path.isEmpty { return (path, .file(path)) }
    guard case .object = value else {
      throw ReplayError(
        "\(origin): \(place) is neither a path nor an object, expected \"FILE.trace\" or {\"name\": ..., \"workload\": ...}"
      )
    }
    let object = try JSONObject(value, place: place, origin: origin)
    try object.allow(["name", "workload", "writes", "pages", "vcpus", "seed"])
    let name = try object.text("name")
    guard
      name.utf8.allSatisfy({ ($0 | 0x20) >= 0x61 && ($0 | 0x20) <= 0x7a || $0 >= 0x30 && $0 <= 0x39 || $0 == 0x2d }),
      name.utf8.count <= 64
    else {
      throw object.failure("name is '\(name)', expected at most 64 letters, digits and dashes; it becomes a file's")
    }
    let workloads = Workload.allCases.map(\.rawValue)
    let word = try object.text("workload")
    guard let workload = Workload(rawValue: word) else {
      throw object.failure("no workload is named '\(word)'; \(Nearest.advice(for: word, in: workloads))")
    }
    func number(_ key: String, default value: UInt64, _ range: ClosedRange<UInt64>) throws -> UInt64 {
      let number = try object.count(key) ?? value
      guard range.contains(number) else {
        throw object.failure("\(key) is \(number), expected \(range.lowerBound) to \(range.upperBound)")
      }
      return number
    }
    return (
      name,
      .generated(
        name: name,
        RecordingGenerator(
          workload: workload, seed: try object.count("seed") ?? 1,
          writes: try number("writes", default: 10_000_000, 1...10_000_000_000),
          pages: try number("pages", default: 32768, 1...RecordingGenerator.maximumPages),
          vcpus: Int(try number("vcpus", default: 1, 1...256))))
    )
  }

  fileprivate func strategies() throws -> [String] {
    guard let value = self["strategies"] else { return [] }
    guard case .list(let listed) = value, !listed.isEmpty else {
      throw failure("strategies is no list of one or more; leave it out for all that a processor offers")
    }
    return try listed.enumerated().reduce(into: []) { chosen, item in
      guard case .text(let name) = item.element else {
        throw failure("strategies[\(item.offset)] is no text, expected the name of a strategy")
      }
      if let complaint = Strategy.complaint(about: name) {
        throw failure("strategies[\(item.offset)]: \(complaint)")
      }
      if !chosen.contains(name) { chosen.append(name) }
    }
  }

  fileprivate func axes(origin: String) throws -> [SweepPlan.Axis] {
    guard let value = self["vary"] else { return [] }
    let object = try JSONObject(value, place: "vary", origin: origin)
    try object.allow(SweepPlan.options)
    return try object.keys.map { option in
      guard case .list(let listed)? = object[option], !listed.isEmpty else {
        throw object.failure("\(option) is no list of one or more values; null stands for the option left out")
      }
      let values = try listed.enumerated().map { index, value in
        switch value {
        case .null: String?.none
        case .text(let text) where !text.isEmpty: text
        case .count(let count): String(count)
        case .number(let number) where number.isFinite: String(number)
        default:
          throw object.failure("\(option)[\(index)] is no value, expected a text, a number, or null for the default")
        }
      }
      guard Set(values).count == values.count else {
        throw object.failure("\(option) has one value twice; give each once")
      }
      return SweepPlan.Axis(option: option, values: values)
    }
  }
}
