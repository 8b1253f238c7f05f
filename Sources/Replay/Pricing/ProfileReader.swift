import Foundation

/// What reading profiles of either schema shares.
enum ProfileReader {
  /// The object that a file is.
  static func object(in json: Data, origin: String) throws -> [String: Any] {
    guard json.count <= ProfileFile.sizeLimit else {
      throw ProfileError(description: "\(origin): \(json.count) bytes, expected at most 1 MiB; is this a profile?")
    }
    // Stricter than JSONDecoder, which lets control characters into texts.
    guard let root = try? JSONSerialization.jsonObject(with: json) as? [String: Any] else {
      throw ProfileError(description: "\(origin): \(notJSON)")
    }
    return root
  }

  static func decode<T: Decodable>(_ type: T.Type, from json: Data, origin: String) throws -> T {
    do {
      return try JSONDecoder().decode(type, from: json)
    } catch {
      throw ProfileError(description: "\(origin): \(sentence(for: error))")
    }
  }

  static func checkName(_ name: String, at place: String) throws {
    guard !name.isEmpty else {
      throw ProfileError(description: "\(place): name is empty, expected a word such as my-xeon")
    }
  }

  /// Checks that the costs of one half are all there, each once, and each a range with a source.
  static func check(_ parameters: [CycleProfile.Parameter], of half: CostParameter.Half, at place: String) throws {
    if let foreign = parameters.first(where: { $0.name.half != half }) {
      throw ProfileError(
        description:
          "\(place): parameter \(foreign.name.rawValue) is a \(foreign.name.half.rawValue)'s, expected costs "
          + "of a \(half.rawValue); move it there")
    }
    for required in CostParameter.all(of: half) {
      let given = parameters.filter { $0.name == required }
      // Left out whole, a round trip is the silicon's, and an answer from outside takes as long as consumers do.
      if [.vmcallRoundTrip, .outsideAnswer].contains(required), given.isEmpty { continue }
      let count = given.count { $0.on == nil }
      guard count == 1 else {
        throw ProfileError(
          description: "\(place): parameter \(required.rawValue) is given \(count) times, expected once")
      }
      var seen: Set<String> = []
      for name in given.compactMap(\.on) where !seen.insert(name).inserted {
        throw ProfileError(
          description: "\(place): parameter \(required.rawValue) is given twice on \(name), expected once; remove one")
      }
    }
    for p in parameters {
      try p.bracket.validate(p.source, 0...1e9, "cycles", at: "\(place): parameter \(p.name.rawValue)")
    }
  }

  static func rejectUnknownKeys(in root: [String: Any], origin: String) throws {
    func check(_ object: Any?, _ allowed: [String], _ place: String) throws {
      guard let object = object as? [String: Any] else { return }
      if let unknown = object.keys.filter({ !allowed.contains($0) }).min() {
        throw ProfileError(
          description: "\(origin): \(place) has the unknown key \"\(unknown)\", expected one of "
            + "\(allowed.sorted().joined(separator: ", ")); remove or rename it")
      }
    }
    let quantity = ["low", "value", "high", "tag", "source"]
    try check(root, ["schema", "processor", "hypervisor"], "the profile")
    let halves: [(name: String, half: [String: Any])] = ["processor", "hypervisor"].compactMap { name in
      (root[name] as? [String: Any]).map { (name, $0) }
    }
    for (name, half) in halves {
      try check(
        half,
        name == "processor"
          ? ["name", "title", "frequency_mhz", "geometry", "features", "parameters"]
          : ["name", "title", "handler_lines", "mmu_lock_hold", "consumers", "parameters"], name)
      try check(
        half["geometry"],
        [
          "l1_store_tlb", "l1_load_tlb", "l1_instruction_tlb", "stlb", "pde_cache", "pdpte_cache", "pml4e_cache",
          "walk_lines", "data_lines",
        ], "\(name).geometry")
      for key in ["frequency_mhz", "handler_lines", "mmu_lock_hold"] {
        try check(half[key], quantity, "\(name).\(key)")
      }
      for (i, consumer) in ((half["consumers"] as? [Any]) ?? []).enumerated() {
        try check(consumer, ["name", "p50_ns", "p99_ns", "tag", "source"], "\(name).consumers[\(i)]")
      }
      for (i, parameter) in ((half["parameters"] as? [Any]) ?? []).enumerated() {
        try check(parameter, ["name", "on"] + quantity, "\(name).parameters[\(i)]")
      }
    }
  }

  private static func sentence(for error: any Error) -> String {
    func path(_ context: DecodingError.Context) -> String {
      let keys = context.codingPath.map { $0.intValue.map { "[\($0)]" } ?? ".\($0.stringValue)" }.joined()
      return keys.isEmpty ? "the top level" : String(keys.drop { $0 == "." })
    }
    switch error {
    case DecodingError.keyNotFound(let key, let context):
      return
        "\(path(context)) lacks the key \"\(key.stringValue)\"; add it (`gi-bench profile show` prints a whole one)"
    case DecodingError.typeMismatch(let kind, let context), DecodingError.valueNotFound(let kind, let context):
      return "\(path(context)) has a value of the wrong kind, expected \(word(for: kind)); correct it"
    case DecodingError.dataCorrupted(let context) where context.codingPath.isEmpty:
      return notJSON
    case DecodingError.dataCorrupted(let context):
      return "\(path(context)) has no value it may have; `gi-bench profile show` prints those in use"
    default:
      return "not readable as a profile: \(error)"
    }
  }

  private static var notJSON: String {
    "not JSON, expected a profile as `gi-bench profile show --format json` prints it"
  }

  private static func word(for kind: any Any.Type) -> String {
    switch kind {
    case is Int.Type: "a whole number"
    case is Double.Type: "a number"
    case is String.Type: "a text"
    case is [Any].Type: "a list"
    default: "an object"
    }
  }
}
