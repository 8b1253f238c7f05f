import Foundation
import Recordings
import Replay
import Report
import Sweeps

/// What a sweep will take: two of its cells are measured, and the others lie on the line through them.
struct SweepEstimate {
  private let manifest: SweepManifest
  private let jobs: Int
  private let measured: [Measured]
  private let seconds: Double

  /// A cell that was measured.
  private struct Measured {
    /// Stores times strategies, which a cell's time goes with.
    var work: Double
    var seconds: Double
    var bytes: Int
  }

  /// Replays the cell with the least to do and one in the middle, in processes of their own and a folder that is then removed.
  init(of manifest: SweepManifest, jobs: Int) throws {
    self.manifest = manifest
    self.jobs = jobs
    var stores: [String: Double] = [:]
    for name in Set(manifest.cells.map(\.recording)) {
      if let made = manifest.generated[name]?.generator {
        stores[name] = Double(made.writes)
      } else {
        stores[name] = Double(try RecordingReader(path: name, symbols: false).header.totals.writes)
      }
    }
    let cells = manifest.cells.map { cell in
      (cell: cell, work: max(stores[cell.recording] ?? 1, 1) * Double(cell.strategies.count + 1))
    }
    let order = cells.sorted { $0.work < $1.work }
    let temporary = try TemporaryFolder()
    defer { temporary.remove() }
    let folder = SweepFolder(temporary.path)
    try folder.begin(manifest, extending: false)
    let measured = try [order[0], order[order.count / 2]].map { cell, work in
      try SweptRecordings.make([cell], of: manifest, in: folder)
      let start = ContinuousClock.now
      if let message = CellPool.once(cell, in: folder)?.message { throw Failure("\(cell.title): \(message)") }
      return Measured(
        work: work, seconds: (ContinuousClock.now - start) / .seconds(1), bytes: folder.result(of: cell)?.count ?? 0)
    }
    self.measured = measured
    let (first, second) = (measured[0], measured[1])
    let slope = second.work > first.work ? max(0, (second.seconds - first.seconds) / (second.work - first.work)) : 0
    seconds = cells.reduce(0) { $0 + first.seconds + slope * ($1.work - first.work) }
  }

  /// Prints it.
  func say() throws {
    let count = manifest.cells.count
    let document = Document(
      title: "plan \(manifest.name): \(count) cells",
      blocks: [
        .facts([
          Document.Fact("recordings", String(Set(manifest.cells.map(\.recording)).count)),
          Document.Fact(
            "measured",
            "\(measured.map { Figure.number($0.seconds) }.joined(separator: " s and ")) s for two of the cells"),
          Document.Fact(
            "estimated",
            "\(Self.time(seconds)) of processor time, \(Self.time(seconds / Double(min(jobs, count)))) with "
              + "\(jobs) at once, if time grows with stores times strategies"),
          Document.Fact(
            "disk",
            "\(Figure.number(Double(measured.map(\.bytes).max() ?? 0) * Double(count) / 1e6)) MB of results"),
          Document.Fact("digest", manifest.digest),
        ])
      ])
    try OutputFile.writeStandardOutput(TextExporter(width: ConsoleOptions.columns).export([document]))
  }

  private static func time(_ seconds: Double) -> String {
    seconds < 120
      ? "\(Figure.number(seconds)) s" : seconds < 7200 ? "\(Int(seconds / 60)) min" : "\(Int(seconds / 3600)) h"
  }
}
