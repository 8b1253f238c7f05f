import Foundation
import Recordings
import Replay
import Report

/// All results of a sweep, each held against its cell, joined without loss: the JSON repeats every result as its process wrote it.
package struct SweepMerge {
  /// What was to be done.
  package let manifest: SweepManifest
  /// What tables and pictures are made of, one row a finished cell, in the order of the plan.
  package private(set) var rows: [SweepRow] = []
  /// Cells without a result.
  package private(set) var missing: [SweepCell] = []
  /// Cells that failed, with the reason.
  package private(set) var failed: [(cell: SweepCell, failure: SweepFailure)] = []
  /// Results that are not their cell's, or none at all, each with what is wrong.
  package private(set) var refused: [String] = []
  /// Files among the results that belong to no cell of the plan.
  package let strangers: [String]
  private let folder: SweepFolder

  /// Reads every result of a folder; throws where that is no sweep's.
  package init(_ folder: SweepFolder) throws {
    guard let manifest = try folder.manifest() else {
      throw ReplayError(
        "\(folder.path): no manifest.json, so no sweep; make one with `gi-bench sweep PLAN --output \(folder.path)`")
    }
    self.folder = folder
    self.manifest = manifest
    strangers = folder.strangers(to: manifest)
    for cell in manifest.cells {
      guard let bytes = folder.result(of: cell) else {
        if let failure = folder.failure(of: cell) { failed.append((cell, failure)) } else { missing.append(cell) }
        continue
      }
      do {
        rows.append(try Self.row(of: cell, bytes, manifest, origin: "\(folder.path)/cells/\(cell.id).json"))
      } catch {
        refused.append("\(error)")
      }
    }
  }

  /// Whether each cell has its result.
  package var isComplete: Bool { missing.isEmpty && failed.isEmpty && refused.isEmpty }

  /// One sentence on what is missing, with what to do.
  package var complaint: String? {
    guard !isComplete else { return nil }
    var parts: [String] = []
    if !missing.isEmpty { parts.append("\(missing.count) missing") }
    if !failed.isEmpty { parts.append("\(failed.count) failed") }
    if !refused.isEmpty { parts.append("\(refused.count) with a result of something else") }
    return "\(folder.path): of \(manifest.cells.count) cells \(parts.joined(separator: ", ")); run "
      + "`gi-bench sweep \(folder.path)` again, which does what is not done"
  }

  /// Every cell that has no result, a line each.
  package var details: [String] {
    failed.map { "failed: \($0.cell.title) (\($0.cell.id)): \($0.failure.ended): \($0.failure.message)" }
      + missing.map { "missing: \($0.title) (\($0.id))" } + refused.map { "refused: \($0)" }
      + strangers.map { "left out: cells/\($0), of no cell of this plan" }
  }

  /// The merged result as JSON.
  package func json() throws -> String {
    let cells = try rows.map { row in
      let cell = row.cell
      let settings = try JSONExporter.encode(cell.settings).trimmed
      let result = String(decoding: folder.result(of: cell) ?? Data(), as: UTF8.self).trimmed
      return """
        {"id": "\(cell.id)", "recording": \(try JSONExporter.encode(cell.recording).trimmed), "settings": \(settings), \
        "result": \(result)}
        """
    }
    return """
      {"schema": 1, "sweep": {"name": \(try JSONExporter.encode(manifest.name).trimmed), "digest": "\(manifest.digest)", \
      "version": "\(manifest.version)", "cells": \(manifest.cells.count)}, "cells": [
      \(cells.joined(separator: ",\n"))
      ]}

      """
  }

  /// Every finished cell's strategies as comma-separated values, the columns of a run's csv behind what the plan varies.
  package func csv() throws -> String {
    let options = manifest.cells.reduce(into: Set<String>()) { $0.formUnion($1.settings.keys) }.sorted()
    var lines: [String] = []
    for row in rows {
      let result = try Self.result(folder.result(of: row.cell) ?? Data(), origin: row.cell.id)
      let text = CSVExporter.export([result]).split(separator: "\r\n")
      if lines.isEmpty {
        lines.append((["cell"] + options.map { "vary_\($0)" } + [String(text[0])]).joined(separator: ","))
      }
      let prefix = CSVExporter.export(rows: [[row.cell.id] + options.map { row.cell.settings[$0] ?? "" }]).trimmed
      lines += text.dropFirst().map { prefix + "," + $0 }
    }
    return lines.map { $0 + "\r\n" }.joined()
  }

  private static func row(
    of cell: SweepCell, _ bytes: Data, _ manifest: SweepManifest, origin: String
  ) throws -> SweepRow {
    let result = try result(bytes, origin: origin)
    let expected = cell.inputs[cell.recording]
    let isLike =
      result.tool.version == manifest.version && result.trace.path == cell.recording
      && result.strategies.map(\.name) == cell.strategies && (result.host != nil) == manifest.readsClock
      && (manifest.generated[cell.recording] != nil || result.trace.digest == expected)
    guard isLike else {
      throw ReplayError(
        "\(origin): a result of another version, recording or set of strategies than \(cell.title) of this plan; remove it and "
          + "run the sweep again")
    }
    return SweepRow(cell, result)
  }

  private static func result(_ bytes: Data, origin: String) throws -> RunResult {
    let results = try SavedResults.decode(bytes, origin: origin)
    guard results.count == 1 else { throw ReplayError("\(origin): \(results.count) results, expected one; remove it") }
    return results[0]
  }
}

extension String {
  fileprivate var trimmed: String { trimmingCharacters(in: .whitespacesAndNewlines) }
}
