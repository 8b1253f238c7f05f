import Replay

/// Results as github-action-benchmark's `customSmallerIsBetter` reads them: an array of names, units and values.
///
/// Source: the action's README, section "Minimal setup for custom tools".
package enum GitHubExporter {
  private struct Entry: Encodable {
    var name: String
    var unit: String
    var value: Double
    var range: String
    var extra: String
  }

  /// Each strategy's overhead on each recording, with its bracket.
  package static func export(_ results: [RunResult]) throws -> String {
    try JSONExporter.encode(
      results.map { $0.roundedForExport() }.flatMap { result in
        result.strategies.map { strategy in
          Entry(
            name: [
              result.trace.path, result.profile.name, result.dimensions.map { "\($0) dimensions" }, strategy.name,
              "overhead",
            ].compactMap(\.self).joined(separator: ", "), unit: "modelled cycles",
            value: strategy.overheadCycles.value, range: Figure.range(strategy.overheadCycles),
            extra: "\(strategy.notifications.count) notifications; \(strategy.sound.value ? "sound" : "not sound")")
        }
      })
  }
}
