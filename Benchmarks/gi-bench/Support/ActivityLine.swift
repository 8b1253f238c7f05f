import Foundation
import Report
import Synchronization

/// One line on the terminal that says that a job is still at work, how long it has been, and how much it has read and written; never
/// drawn elsewhere, nor of a job that takes less than a second.
enum ActivityLine {
  private struct State {
    var isOver = false
    var isDrawn = false
  }

  /// Does a job that reads from a path, if it is one; a thread of its own looks after the line.
  static func during<Result>(_ job: String, reading path: String? = nil, _ body: () throws -> Result) rethrows -> Result
  {
    guard isatty(STDERR_FILENO) == 1, ProcessInfo.processInfo.environment["TERM"] != "dumb" else { return try body() }
    let started = ContinuousClock.now
    let (size, before) = (path.flatMap(InputFile.size), moved())
    let state = Shared()
    let thread = Thread {
      while true {
        usleep(100_000)
        let elapsed = (ContinuousClock.now - started) / .seconds(1)
        let goesOn = state.value.withLock { state in
          guard !state.isOver else { return false }
          guard elapsed >= 1 else { return true }
          let now = moved()
          let moved = (read: now.read - before.read, written: now.written - before.written)
          StandardError.write(
            "\r\(text(job, elapsed: elapsed, moved, of: size).prefix(ProgressLine.columns - 1))\u{1B}[K")
          state.isDrawn = true
          return true
        }
        guard goesOn else { return }
      }
    }
    thread.start()
    defer {
      state.value.withLock { state in
        state.isOver = true
        if state.isDrawn { StandardError.write("\r\u{1B}[K") }
      }
    }
    return try body()
  }

  private final class Shared: Sendable {
    let value = Mutex(State())
  }

  /// The line's words; what was moved in bytes.
  static func text(_ job: String, elapsed: Double, _ moved: (read: UInt64, written: UInt64), of size: UInt64?) -> String
  {
    func megabytes(_ bytes: UInt64) -> String { "\(bytes >> 20)" }
    var text = "\(Terminal.printable(job)): \(Int(elapsed)) s"
    // A job may read its input twice, or parts of it only.
    if moved.read >> 20 > 0 {
      text +=
        ", \(megabytes(moved.read))" + (size.map { $0 >= moved.read ? " of \(megabytes($0))" : "" } ?? "") + " MB read"
    }
    if moved.written >> 20 > 0 { text += ", \(megabytes(moved.written)) MB written" }
    return text
  }

  /// Bytes that this process has read and written so far.
  private static func moved() -> (read: UInt64, written: UInt64) {
    let lines = (try? String(contentsOfFile: "/proc/self/io", encoding: .utf8))?.split(separator: "\n") ?? []
    func figure(_ name: String) -> UInt64 {
      lines.first { $0.hasPrefix(name) }.flatMap { UInt64($0.dropFirst(name.count)) } ?? 0
    }
    return (figure("rchar: "), figure("wchar: "))
  }
}
