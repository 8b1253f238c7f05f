import Foundation
import Recordings
import Replay
import Report

/// Where a sweep's cells leave their results: one file a cell, each written whole or not at all, so that any number of processes
/// on any number of machines may work on it, be killed and begin anew.
///
///     manifest.json        every cell
///     recordings/NAME.trace what is made up
///     cells/ID.json        the result of a cell
///     failed/ID.json       why a cell failed; gone once it has a result
package struct SweepFolder: Sendable {
  /// The folder's path.
  package let path: String

  /// A folder, which need not be there yet.
  package init(_ path: String) { self.path = path }

  private var manifestPath: String { path + "/manifest.json" }
  private func resultPath(_ id: String) -> String { "\(path)/cells/\(id).json" }
  private func failurePath(_ id: String) -> String { "\(path)/failed/\(id).json" }
  /// Where a recording that is made up stands.
  package func recordingPath(_ name: String) -> String { "\(path)/recordings/\(name).trace" }

  /// The manifest that stands there; nil where none does.
  package func manifest() throws -> SweepManifest? {
    guard FileManager.default.fileExists(atPath: manifestPath) else { return nil }
    guard
      let manifest = try? JSONDecoder().decode(SweepManifest.self, from: Data(contentsOf: URL(filePath: manifestPath))),
      manifest.schema == 1
    else {
      throw ReplayError("\(manifestPath): no manifest of a sweep of schema 1; give another folder, or remove that one")
    }
    return manifest
  }

  /// Makes the folder a sweep's, or goes on with one of the same plan; with `extending`, takes over the cells of another plan
  /// that this one also has.
  package func begin(_ manifest: SweepManifest, extending: Bool) throws {
    if let there = try self.manifest(), there.digest != manifest.digest, !extending {
      throw ReplayError(
        "\(path): holds a sweep of '\(there.name)' as it was before its plan, an input or gi-bench changed (digest "
          + "\(there.digest), now \(manifest.digest)); give another folder, or --extend to keep the cells both have")
    }
    for folder in ["", "/cells", "/failed", "/recordings"] {
      do {
        try FileManager.default.createDirectory(atPath: path + folder, withIntermediateDirectories: true)
      } catch {
        throw ReplayError("\(path)\(folder): cannot be made a folder; give another --output")
      }
    }
    try put(JSONExporter.encode(manifest), at: manifestPath)
  }

  /// Whether a cell has its result.
  package func isFinished(_ cell: SweepCell) -> Bool { FileManager.default.fileExists(atPath: resultPath(cell.id)) }

  /// The bytes of a cell's result; nil where there is none.
  package func result(of cell: SweepCell) -> Data? { try? Data(contentsOf: URL(filePath: resultPath(cell.id))) }

  /// Why a cell failed; nil where it did not.
  package func failure(of cell: SweepCell) -> SweepFailure? {
    (try? Data(contentsOf: URL(filePath: failurePath(cell.id)))).flatMap {
      try? JSONDecoder().decode(SweepFailure.self, from: $0)
    }
  }

  /// Results that belong to no cell of a manifest: of another plan, or of this one before it changed.
  package func strangers(to manifest: SweepManifest) -> [String] {
    let known = Set(manifest.cells.map { "\($0.id).json" })
    let names = (try? FileManager.default.contentsOfDirectory(atPath: path + "/cells")) ?? []
    // A name that begins with a dot is of a file that is still being written.
    return names.filter { !known.contains($0) && !$0.hasPrefix(".") }.sorted()
  }

  /// Keeps a cell's result, and forgets that it failed.
  package func keep(_ result: String, of cell: SweepCell) throws {
    try put(result, at: resultPath(cell.id))
    try? FileManager.default.removeItem(atPath: failurePath(cell.id))
  }

  /// Keeps why a cell failed.
  package func keep(_ failure: SweepFailure, of cell: SweepCell) throws {
    try put(JSONExporter.encode(failure), at: failurePath(cell.id))
  }

  private func put(_ text: String, at path: String) throws {
    let target: OutputTarget
    do {
      target = try OutputTarget(path)
    } catch {
      throw ReplayError("\(path): cannot be written; make room, or give another folder")
    }
    try WholeFile.write(text, to: target)
  }
}

/// Why a cell has no result.
package struct SweepFailure: Codable, Equatable, Sendable {
  /// How its process ended: `status 1`, `ended by signal 9`.
  package var ended: String
  /// Its last words.
  package var message: String
  /// How often it was tried.
  package var tries: Int

  /// A failure from its parts.
  package init(ended: String, message: String, tries: Int) {
    self.ended = ended
    self.message = message
    self.tries = tries
  }
}
