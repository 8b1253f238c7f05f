import Addresses
import Replay

/// Two saved results side by side: a ratio, its interval and a verdict for every figure.
package struct Comparison: Codable, Equatable, Sendable {
  /// Schema version, 1.
  package var schema = 1
  /// Names of the two results.
  package var names: [String]
  /// In what the results differ that they should share; empty unless the comparison was forced.
  package var unlike: [String]
  /// What the reader should know, one sentence each.
  package var notes: [String]
  /// One row a figure.
  package var rows: [Row]
  /// All rows in one sentence.
  package private(set) var closing: String

  /// One figure of one strategy in both results.
  package struct Row: Codable, Equatable, Sendable {
    /// The recording.
    package var trace: String
    /// The strategy.
    package var strategy: String
    /// What is compared, with its unit.
    package var figure: String
    /// The figure in the first result.
    package var a: Double
    /// The figure in the second result.
    package var b: Double
    /// Second over first, with the interval that the brackets leave; nil where the first is zero.
    package var ratio: Bracket?
    /// What follows.
    package var verdict: Verdict
  }

  /// What follows from a row.
  package enum Verdict: String, Codable, Sendable {
    /// Equal, exactly.
    case same
    /// Less in the second result, whatever the costs within their brackets.
    case less
    /// More in the second result, whatever the costs within their brackets.
    case more
    /// The brackets leave it open.
    case undecided
    /// Equal in number, but not the same.
    case different
    /// Measured once a result: without its spread a difference means nothing.
    case unjudged
  }

  /// Holds `b` against `a`, pairwise in order; `names` are those of the files.
  ///
  /// Throws ``NotComparable`` for unlike results unless `isForced`.
  ///
  /// ``closing`` sums up all rows, also those that are left out later.
  package init(of b: [RunResult], against a: [RunResult], names: (a: String, b: String), isForced: Bool) throws {
    self.names = [names.a, names.b]
    (unlike, notes, rows, closing) = ([], [], [], "")
    guard a.count == b.count else {
      throw NotComparable(
        "\(names.a) holds \(counted(a.count, "result", "results")) and \(names.b) \(b.count); "
          + "compare files of as many results each")
    }
    for (a, b) in zip(a, b) {
      let differences = Likeness.differences(a, b)
      guard differences.isEmpty || isForced else {
        throw NotComparable(
          "\(names.a) and \(names.b) are not comparable: \(differences.joined(separator: ", and ")); "
            + "--force compares them all the same")
      }
      unlike += differences
      try add(a.roundedForExport(), b.roundedForExport(), areLike: differences.isEmpty)
    }
    closing = Self.closing(rows)
  }

  private static func closing(_ rows: [Row]) -> String {
    let judged = rows.filter { $0.verdict != .unjudged }
    let parts = [
      (Verdict.less, "less"), (.more, "more"), (.undecided, "undecided"), (.different, "of other stores"),
      (.same, "the same"),
    ].compactMap { verdict, words in
      let count = judged.count { $0.verdict == verdict }
      return count > 0 ? "\(count) \(words)" : nil
    }
    let strategies = judged.reduce(into: [String]()) { names, row in
      if row.verdict != .same, !names.contains(row.strategy) { names.append(row.strategy) }
    }
    return "Of \(judged.count) figures \(parts.joined(separator: ", "))"
      + (strategies.isEmpty ? "." : "; changed: \(strategies.joined(separator: ", ")).")
  }

  private mutating func add(_ a: RunResult, _ b: RunResult, areLike: Bool) throws {
    let shared = a.strategies.compactMap { mine in b.strategies.first { $0.name == mine.name }.map { (mine, $0) } }
    guard !shared.isEmpty else {
      throw NotComparable("\(names[0]) and \(names[1]) share no strategy; run both with the same `--strategy`")
    }
    let lone = Set(a.strategies.map(\.name)).symmetricDifference(b.strategies.map(\.name)).sorted()
    if !lone.isEmpty { notes.append("In one result only, not compared: \(lone.joined(separator: ", ")).") }
    for (mine, other) in shared {
      let pair = StrategyPair(a: mine, b: other, profile: areLike ? a.profile : nil)
      notes += pair.notes
      rows += pair.rows(trace: a.trace.path)
    }
  }
}
