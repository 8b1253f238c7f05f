import ArgumentParser
import Foundation

/// What goes to the terminal besides the report.
struct ConsoleOptions: ParsableArguments {
  @Flag(name: .shortAndLong, help: "Print errors only; files are still written.")
  var quiet = false

  @Flag(name: .customLong("no-progress"), help: "Draw no progress line; none is drawn if stderr is not a terminal.")
  var isWithoutProgress = false

  @Option(help: "Paint text reports; auto honours NO_COLOR.")
  var color = Coloring.auto

  /// Draws no progress.
  static var silent: ConsoleOptions {
    get throws { try parse(["--no-progress"]) }
  }

  /// When text reports are painted.
  enum Coloring: String, CaseIterable, ExpressibleByArgument {
    case auto, always, never
  }

  /// Whether text on the standard output is painted.
  var paints: Bool {
    switch color {
    case .always: true
    case .never: false
    case .auto: isatty(1) == 1 && variable("NO_COLOR").isEmpty && variable("TERM") != "dumb"
    }
  }

  /// Columns for text on the standard output: what COLUMNS says, else the terminal's, else 80.
  static var columns: Int {
    if let columns = Int(ProcessInfo.processInfo.environment["COLUMNS"] ?? ""), columns > 0 {
      return min(max(columns, 40), 1000)
    }
    return terminalColumns(of: STDOUT_FILENO).map { max($0, 40) } ?? 80
  }

  /// How wide the terminal is that a descriptor leads to; nil where it leads to none.
  static func terminalColumns(of descriptor: Int32) -> Int? {
    var size = winsize()
    return ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 1 ? Int(size.ws_col) : nil
  }

  /// A progress line of that name; nil where none is to be drawn.
  func progressLine(named name: String) -> ProgressLine? {
    let isDrawn = !quiet && !isWithoutProgress && isatty(2) == 1 && variable("TERM") != "dumb"
    return isDrawn ? ProgressLine(name: name) : nil
  }

  private func variable(_ name: String) -> String { ProcessInfo.processInfo.environment[name] ?? "" }
}
