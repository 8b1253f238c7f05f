import Foundation
import Recordings
import Replay

/// Results as JSON, schema 1: keys sorted, so that equal results are equal bytes.
package enum JSONExporter {
  /// One result as an object, several as an array.
  package static func export(_ results: [RunResult]) throws -> String {
    let rounded = results.map { $0.roundedForExport() }
    return try rounded.count == 1 ? encode(rounded[0]) : encode(rounded)
  }

  /// Any value, keys sorted, with a newline at the end; nothing in it acts on a terminal.
  package static func encode(
    _ value: some Encodable, keys: JSONEncoder.KeyEncodingStrategy = .useDefaultKeys
  ) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
    encoder.keyEncodingStrategy = keys
    return SafeText.json(String(decoding: try encoder.encode(value), as: UTF8.self)) + "\n"
  }
}
