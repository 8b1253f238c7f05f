import Foundation
import Recordings
import Replay

/// Results as JSON, schema 2: keys sorted, so that equal results are equal bytes.
package enum JSONExporter {
  /// One result as an object, several as an object that holds them with what they say together.
  package static func export(_ results: [RunResult]) throws -> String {
    let rounded = results.map { $0.roundedForExport() }
    return try rounded.count == 1
      ? encode(rounded[0])
      : encode(ResultFile(results: rounded, summary: Summary(of: rounded), spreads: Spread.all(of: rounded)))
  }

  private struct ResultFile: Encodable {
    var schema = RunResult.schemaVersion
    var results: [RunResult]
    var summary: Summary?
    var spreads: [Spread]
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
