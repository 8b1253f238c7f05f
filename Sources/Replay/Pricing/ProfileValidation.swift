import Foundation

/// Why a profile was refused: one sentence with place, finding, expectation and remedy.
public struct ProfileError: Error, CustomStringConvertible, Equatable {
  /// The sentence.
  public let description: String
}

extension CycleProfile {
  /// A profile from JSON, every rule checked; `origin` names the file in errors.
  ///
  /// Throws ``ProfileError``.
  public init(json: Data, origin: String) throws {
    guard json.count <= 1 << 20 else {
      throw ProfileError(description: "\(origin): \(json.count) bytes, expected at most 1 MiB; is this a profile?")
    }
    do {
      self = try JSONDecoder().decode(CycleProfile.self, from: json)
    } catch {
      throw ProfileError(description: "\(origin): \(Self.sentence(for: error))")
    }
    try Self.rejectUnknownKeys(in: json, origin: origin)
    try validate(origin: origin)
  }

  private func validate(origin: String) throws {
    func fail(_ what: String) -> ProfileError { ProfileError(description: "\(origin): \(what)") }
    guard schema == 1 else { throw fail("schema is \(schema), expected 1; this gi-bench reads schema 1 only") }
    guard !name.isEmpty else { throw fail("name is empty, expected a word such as my-xeon") }
    for required in CostParameter.allCases {
      let count = parameters.filter { $0.name == required }.count
      guard count == 1 else {
        throw fail("parameter \(required.rawValue) is given \(count) times, expected once")
      }
    }
    for p in parameters {
      let place = "parameter \(p.name.rawValue)"
      guard p.low.isFinite, p.value.isFinite, p.high.isFinite else {
        throw fail("\(place) is not a number, expected finite cycles")
      }
      guard p.low >= 0 else { throw fail("\(place): low is \(p.low), expected 0 or more cycles") }
      guard p.low <= p.value, p.value <= p.high, p.high <= 1e9 else {
        throw fail("\(place): \(p.low), \(p.value), \(p.high) is not low <= value <= high <= 1e9; order them")
      }
      guard !p.source.isEmpty else { throw fail("\(place) has no source, expected where the value comes from") }
    }
    try geometry.validate(origin: origin)
  }

  private static func rejectUnknownKeys(in json: Data, origin: String) throws {
    // Stricter than JSONDecoder, which lets control characters into texts.
    guard let root = try? JSONSerialization.jsonObject(with: json) as? [String: Any] else {
      throw ProfileError(description: "\(origin): \(notJSON)")
    }
    func check(_ object: [String: Any], _ allowed: Set<String>, _ place: String) throws {
      if let unknown = object.keys.filter({ !allowed.contains($0) }).min() {
        throw ProfileError(
          description: "\(origin): \(place) has the unknown key \"\(unknown)\", expected one of "
            + "\(allowed.sorted().joined(separator: ", ")); remove or rename it")
      }
    }
    try check(root, ["schema", "name", "processor", "geometry", "features", "parameters"], "the profile")
    if let geometry = root["geometry"] as? [String: Any] {
      try check(
        geometry, ["l1_store_tlb", "stlb", "pde_cache", "pdpte_cache", "pml4e_cache", "walk_lines"], "geometry")
    }
    for (i, parameter) in ((root["parameters"] as? [[String: Any]]) ?? []).enumerated() {
      try check(parameter, ["name", "low", "value", "high", "tag", "source"], "parameters[\(i)]")
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

extension CacheGeometry {
  func validate(origin: String) throws {
    for (place, cache) in [("l1_store_tlb", l1StoreTLB), ("stlb", stlb)] {
      let sets = cache.ways > 0 ? cache.entries / cache.ways : 0
      guard (1...64).contains(cache.ways), (1...65536).contains(cache.entries), sets * cache.ways == cache.entries,
        sets.nonzeroBitCount == 1
      else {
        throw ProfileError(
          description:
            "\(origin): geometry.\(place) has \(cache.entries) entries in \(cache.ways) ways, expected 1 to 64 "
            + "ways and a power of two of sets")
      }
    }
    for (place, entries) in [("pde_cache", pdeCache), ("pdpte_cache", pdpteCache), ("pml4e_cache", pml4eCache)] {
      guard (0...4096).contains(entries) else {
        throw ProfileError(description: "\(origin): geometry.\(place) is \(entries), expected 0 to 4096 entries")
      }
    }
    let lines = [walkLines.l1, walkLines.l2, walkLines.l3]
    guard lines.allSatisfy({ (0...1 << 20).contains($0) }), walkLines.l1 <= walkLines.l2, walkLines.l2 <= walkLines.l3
    else {
      throw ProfileError(
        description: "\(origin): geometry.walk_lines is \(lines), expected 0 <= l1 <= l2 <= l3 <= 1048576 lines")
    }
  }
}
