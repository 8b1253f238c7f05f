import Foundation
import Replay
import Report
import Synchronization

/// One line on the terminal that says how far a run is and how long it will take; never drawn elsewhere.
final class ProgressLine: Sendable {
  private struct State {
    var started = ContinuousClock.now
    var drawn: ContinuousClock.Instant?
  }

  private let state = Mutex(State())
  private let name: String

  /// A line for one trace; `name` says which.
  init(name: String) { self.name = name }

  /// Draws the line anew, at most ten times a second.
  func show(_ progress: ReplayProgress) {
    state.withLock { state in
      let now = ContinuousClock.now
      if let drawn = state.drawn, now - drawn < .milliseconds(100) { return }
      state.drawn = now
      let text = Self.text(name: name, progress, elapsed: (now - state.started) / .seconds(1))
      StandardError.write("\r\(text.prefix(Self.columns - 1))\u{1B}[K")
    }
  }

  /// Draws the line anew for a job that is counted in parts.
  func show(done: Int, of all: Int, _ parts: String, failed: Int) {
    state.withLock { state in
      let elapsed = (ContinuousClock.now - state.started) / .seconds(1)
      state.drawn = ContinuousClock.now
      var text = "\(Terminal.printable(name)): \(done) of \(all) \(parts)" + (failed > 0 ? ", \(failed) failed" : "")
      if done > 0, done < all { text += ", \(Self.words(elapsed * Double(all - done) / Double(done))) left" }
      StandardError.write("\r\(text.prefix(Self.columns - 1))\u{1B}[K")
    }
  }

  /// Wipes the line, so that what follows starts at the margin.
  func clear() {
    state.withLock { state in
      if state.drawn != nil { StandardError.write("\r\u{1B}[K") }
      state.drawn = nil
    }
  }

  /// The line's words.
  static func text(name: String, _ progress: ReplayProgress, elapsed: Double) -> String {
    let done = progress.totalWrites > 0 ? min(1, Double(progress.writes) / Double(progress.totalWrites)) : 0
    var text =
      "\(Terminal.printable(name)): \(progress.strategies) strateg\(progress.strategies == 1 ? "y" : "ies"), \(Int(done * 100)) %"
    if elapsed > 0.5, done > 0.01 {
      text += ", \(words(elapsed * (1 - done) / done)) left"
    }
    return text
  }

  /// A time in words, no part of a second.
  private static func words(_ time: Double) -> String {
    let seconds = Int(time.rounded(.up))
    return seconds < 60 ? "\(seconds) s" : "\(seconds / 60) min \(seconds % 60) s"
  }

  static var columns: Int { ConsoleOptions.terminalColumns(of: STDERR_FILENO) ?? 80 }
}
