import Foundation
import Replay

/// Why a saved result was refused: one sentence with place, finding, expectation and remedy.
package struct SavedResultError: Error, CustomStringConvertible, Equatable {
  /// The sentence.
  package let description: String
}

/// Why two results cannot be held against each other: one sentence.
package struct NotComparable: Error, CustomStringConvertible, Equatable {
  /// The sentence.
  package let description: String

  /// An error from its sentence.
  package init(_ description: String) { self.description = description }
}

/// Results that were saved as JSON, schema 2: one object, or one that holds several.
package enum SavedResults {
  /// The greatest file that is read, in bytes.
  package static let sizeLimit = 64 << 20

  /// The results in a file's bytes, every rule checked; `origin` names the file in errors.
  ///
  /// Throws ``SavedResultError``, and ``NotComparable`` for another schema.
  package static func decode(_ json: Data, origin: String) throws -> [RunResult] {
    func fail(_ what: String) -> SavedResultError { SavedResultError(description: "\(origin): \(what)") }
    let decoder = JSONDecoder()
    // Schema 1 kept several results as an array.
    let isArray = json.first { !" \t\r\n".utf8.contains($0) } == UInt8(ascii: "[")
    do {
      let outer = try isArray ? decoder.decode([Schema].self, from: json) : [decoder.decode(Schema.self, from: json)]
      let expected = RunResult.schemaVersion
      if let other = (outer.map(\.schema) + outer.flatMap { ($0.results ?? []).map(\.schema) })
        .first(where: { $0 != expected })
      {
        throw NotComparable("\(origin): schema is \(other), expected \(expected); \(remedy(for: other))")
      }
      guard !isArray else { throw fail("is an array, expected an object; save it again") }
      let results =
        try outer[0].results == nil
        ? [decoder.decode(RunResult.self, from: json)] : decoder.decode(ResultFile.self, from: json).results
      guard !results.isEmpty else { throw fail("holds no result, expected one or more; save it again") }
      for result in results { try result.validate(fail) }
      return results
    } catch let error as DecodingError {
      throw fail(sentence(for: error))
    }
  }

  private struct Schema: Decodable {
    struct Inner: Decodable {
      var schema: Int
    }
    var schema: Int
    var results: [Inner]?
  }

  private struct ResultFile: Decodable {
    var results: [RunResult]
  }

  /// What to do about a result of another schema.
  private static func remedy(for schema: Int) -> String {
    schema < RunResult.schemaVersion
      ? "an earlier gi-bench saved it, with one latency where there are raised, delivered and stall now: run it again "
        + "with this one" : "a later gi-bench saved it; read it with that one, or run it again with this one"
  }

  private static func sentence(for error: DecodingError) -> String {
    let expected = "; expected a result saved by `gi-bench run --save`"
    func place(_ context: DecodingError.Context) -> String {
      let keys = context.codingPath.map { $0.intValue.map { "[\($0)]" } ?? ".\($0.stringValue)" }.joined()
      return keys.isEmpty ? "the top level" : String(keys.drop { $0 == "." })
    }
    return switch error {
    case .keyNotFound(let key, let context): "\(place(context)) lacks the key \"\(key.stringValue)\"\(expected)"
    case .typeMismatch(_, let context), .valueNotFound(_, let context):
      "\(place(context)) has a value of the wrong kind\(expected)"
    case .dataCorrupted(let context): "\(place(context)) cannot be read\(expected)"
    @unknown default: "cannot be read\(expected)"
    }
  }
}

extension RunResult {
  fileprivate func validate(_ fail: (String) -> SavedResultError) throws {
    for cost in CostParameter.allCases {
      let given = profile.parameters.filter { $0.name == cost }
      // Results of before there was such a cost have no strategy that pays it.
      if cost == .outsideAnswer, given.isEmpty { continue }
      guard given.count == 1, let parameter = given.first else {
        throw fail("profile.parameters gives \(cost.rawValue) \(given.count) times, expected once; save it again")
      }
      guard 0 <= parameter.low, parameter.low <= parameter.value, parameter.value <= parameter.high,
        parameter.high <= 1e9
      else {
        throw fail("profile.parameters: \(cost.rawValue) is not 0 <= low <= value <= high <= 1e9; save it again")
      }
    }
    guard !strategies.isEmpty else { throw fail("strategies is empty, expected one or more; save it again") }
    let names = strategies.map(\.name)
    guard Set(names).count == names.count else {
      throw fail("strategies names one strategy twice, expected each once; save it again")
    }
    let events = Set(Event.allCases.map(\.name))
    for strategy in strategies {
      if let unknown = strategy.counts.keys.filter({ !events.contains($0) }).min() {
        throw fail("\(strategy.name) counts the unknown event \"\(unknown)\"; save it again with this gi-bench")
      }
      let latencies = LatencyEnd.allCases.compactMap { $0.percentiles(of: strategy.notifications) }
      let percentiles = latencies.flatMap { latency in LatencyPercentiles.named.map { latency[keyPath: $0.path] } }
      for bracket in [strategy.overheadCycles, strategy.guestStallCycles] + percentiles
      where !(bracket.low <= bracket.value && bracket.value <= bracket.high) {
        throw fail("\(strategy.name) has cycles that are not low <= value <= high; save it again")
      }
    }
  }
}
