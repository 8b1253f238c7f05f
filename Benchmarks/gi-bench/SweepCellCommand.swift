import ArgumentParser
import Replay
import Report
import Sweeps

/// `gi-bench sweep-cell`: the process of one cell, which leaves its result in the sweep's folder.
struct SweepCellCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sweep-cell", abstract: "One process's part of `sweep`.", shouldDisplay: false)

  @Argument var folder: String
  @Argument var id: String

  func run() throws {
    let folder = SweepFolder(folder)
    guard let manifest = try folder.manifest(), let cell = manifest.cells.first(where: { $0.id == id }) else {
      throw Failure("\(self.folder): no sweep with a cell \(id); run `gi-bench sweep` instead")
    }
    try Self.replay(cell, of: manifest, in: folder)
  }

  /// Replays a cell and keeps its result.
  static func replay(_ cell: SweepCell, of manifest: SweepManifest, in folder: SweepFolder) throws {
    guard manifest.version == giBenchVersion else {
      throw Failure(
        .notComparable,
        "\(folder.path): a sweep of gi-bench \(manifest.version), and this is \(giBenchVersion); use one version throughout"
      )
    }
    let isGenerated = manifest.generated[cell.recording] != nil
    let path = isGenerated ? folder.recordingPath(cell.recording) : cell.recording
    func demand(_ digest: String, of input: String, is expected: String) throws {
      guard digest != expected else { return }
      throw Failure("\(input): changed since the sweep began; begin another one, or put the file back")
    }
    for (input, digest) in cell.inputs where input != cell.recording {
      try demand(InputDigest.of(input), of: input, is: digest)
    }
    guard
      let run = try Run.parseAsRoot([path] + cell.arguments + (manifest.readsClock ? [] : ["--counters-only"])) as? Run
    else { throw Failure("\(cell.title): no run; begin the sweep anew") }
    var results = try run.results(console: ConsoleOptions.silent)
    for index in results.indices {
      if isGenerated {
        results[index].trace.path = cell.recording
      } else if let digest = cell.inputs[cell.recording] {
        // The replay has read all of it, so its digest is known.
        try demand(results[index].trace.digest, of: cell.recording, is: digest)
      }
    }
    try folder.keep(JSONExporter.export(results), of: cell)
  }
}
