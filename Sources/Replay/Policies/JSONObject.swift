import Foundation

/// An object of a file that users write, with the place that errors name.
package struct JSONObject {
  private let values: [String: JSONValue]
  private let location: String

  /// The object at `place` of the file `origin`; throws ``ReplayError`` where something else stands there.
  package init(_ value: JSONValue, place: String, origin: String) throws {
    location = "\(origin): \(place)"
    guard case .object(let values) = value else { throw ReplayError("\(location) is no object, expected { ... }") }
    self.values = values
  }

  /// The object that a file of schema 1 is; `kind` and `kinds` name it: `plan`, `plans`. Keys that mean nothing are refused.
  package init(file json: Data, _ kind: String, _ kinds: String, keys: [String], needed: String, origin: String) throws
  {
    guard let value = try? JSONDecoder().decode(JSONValue.self, from: json) else {
      throw ReplayError("\(origin): not JSON, expected a \(kind): an object with \(needed)")
    }
    self = try JSONObject(value, place: "the \(kind)", origin: origin)
    try allow(keys)
    guard case .count(1)? = self["schema"] else {
      throw failure("schema is not 1; this gi-bench reads \(kinds) of schema 1, write \"schema\": 1")
    }
  }

  /// The value under a key; nil where the key is absent.
  package subscript(key: String) -> JSONValue? { values[key] }

  /// The keys, in alphabetical order.
  package var keys: [String] { values.keys.sorted() }

  /// An error that names this place.
  package func failure(_ what: String) -> ReplayError { ReplayError("\(location): \(what)") }

  /// Refuses keys that mean nothing here.
  package func allow(_ keys: [String]) throws {
    guard let unknown = values.keys.filter({ !keys.contains($0) }).min() else { return }
    throw failure(
      "unknown key \"\(unknown)\", expected one of \(keys.joined(separator: ", ")); \(Nearest.advice(for: unknown, in: keys))"
    )
  }

  /// A text of one or more letters.
  package func text(_ key: String) throws -> String {
    guard case .text(let text)? = values[key], !text.isEmpty else {
      throw failure("\(key) is no text, expected a name of one or more letters")
    }
    return text
  }

  /// A whole number, or a text of one in hexadecimal; nil where the key is absent.
  package func count(_ key: String) throws -> UInt64? {
    switch values[key] {
    case nil: return nil
    case .count(let count)?: return count
    case .text(let text)?:
      if text.hasPrefix("0x"), let count = UInt64(text.dropFirst(2), radix: 16) { return count }
    default: break
    }
    throw failure("\(key) is no address or size, expected a whole number, or a text such as \"0x1000000\"")
  }
}
