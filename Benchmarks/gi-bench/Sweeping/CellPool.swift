import Foundation
import Replay
import Report
import Sweeps
import Synchronization

/// Does cells in processes of their own, some at once: what one of them does wrong, crashes included, is its own.
struct CellPool {
  var folder: SweepFolder
  var manifest: SweepManifest
  /// Processes at once.
  var jobs: Int
  /// How often a cell is tried.
  var tries: Int
  /// Whether cells are done in this process instead.
  var isInProcess: Bool

  typealias Failed = (cell: SweepCell, failure: SweepFailure)

  /// Does every cell; answers those that failed. `done` cells were there before.
  func run(_ cells: [SweepCell], done: Int, line: ProgressLine?) throws -> [Failed] {
    let state = Mutex((ended: 0, failed: [Failed]()))
    defer { line?.clear() }
    try Interruption.held {
      try JobPool.run(cells.count, jobs: jobs, while: { Interruption.pending == nil }) { index in
        let failure = try attempt(cells[index])
        state.withLock { state in
          state.ended += 1
          if let failure { state.failed.append((cells[index], failure)) }
          line?.show(done: state.ended, of: cells.count, "cells", failed: state.failed.count)
        }
      }
    }
    return state.withLock { $0.failed }
  }

  /// Tries a cell until it has its result; nil when it has, or when we were interrupted.
  private func attempt(_ cell: SweepCell) throws -> SweepFailure? {
    var failure: SweepFailure?
    for attempt in 1...tries where Interruption.pending == nil {
      guard let (ended, message) = once(cell) else { return nil }
      failure = SweepFailure(ended: ended, message: message, tries: attempt)
    }
    if let failure, Interruption.pending == nil {
      try folder.keep(failure, of: cell)
      return failure
    }
    return nil
  }

  /// Does a cell once; how it ended and its last words, or nil where it has its result.
  private func once(_ cell: SweepCell) -> (ended: String, message: String)? {
    guard isInProcess else { return Self.once(cell, in: folder) }
    do {
      try SweepCellCommand.replay(cell, of: manifest, in: folder)
      return nil
    } catch {
      let failure = Failure(from: error)
      return ("status \(failure.status.rawValue)", failure.sentence)
    }
  }

  /// Does a cell once in a process of its own.
  static func once(_ cell: SweepCell, in folder: SweepFolder) -> (ended: String, message: String)? {
    // A cell has no time limit: how long it takes is the plan's affair.
    let ended = ChildProcess(
      program: "/proc/self/exe", arguments: ["sweep-cell", folder.path, cell.id], seconds: 1e7,
      longestOutput: 1 << 16
    ).run()
    guard let ended else { return ("not started", "no process can be started; are there too many?") }
    if ended.hasSucceeded, folder.isFinished(cell) { return nil }
    // Our own sentence, or else how a crash begins.
    let lines = String(decoding: ended.complaint, as: UTF8.self).split(whereSeparator: \.isNewline)
    let words = lines.last { $0.hasPrefix("gi-bench: ") } ?? lines.first ?? "it said nothing"
    return (ended.words, String(words.trimmingPrefix("gi-bench: ")))
  }
}
