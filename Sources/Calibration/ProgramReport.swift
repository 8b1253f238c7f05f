/// What a program of ours has printed: one figure, fact, event or omission a line, and `end` as the last.
///
/// The program ran as the user's own, yet its output is checked like any input: a compiler, a kernel or a machine may
/// have spoilt it.
package struct ProgramReport: Equatable, Sendable {
  /// A name, and what is said of it.
  package struct Statement: Equatable, Sendable {
    /// The name.
    package var name: String
    /// The rest of the line.
    package var text: String

    /// A statement.
    package init(name: String, text: String) {
      self.name = name
      self.text = text
    }
  }

  /// A figure at a place of a curve.
  package struct Point: Equatable, Sendable {
    /// The place: how many pages were touched.
    package var n: Int
    /// The figure there.
    package var figure: MeasuredFigure
  }

  /// Every figure, each name once.
  package var figures: [MeasuredFigure] = []
  /// Every point of every curve, as they came.
  package var curves: [Point] = []
  /// What is known of the machine.
  package var facts: [Statement] = []
  /// What could not be taken, and why.
  package var omissions: [Statement] = []
  /// What happened, in order.
  package var events: [Statement] = []

  /// More than any program prints.
  package static let longest = 1 << 20

  /// Nothing yet.
  package init() {}

  /// What was printed by the program called `name`.
  ///
  /// Throws ``CalibrationError``.
  package init(output: [UInt8], of name: String) throws {
    guard output.count <= Self.longest, let text = String(validating: output, as: UTF8.self) else {
      throw CalibrationError("\(name): printed no text of at most 1 MiB, expected lines of figures; try again")
    }
    var lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    guard lines.popLast() == "", lines.popLast() == "end" else {
      throw CalibrationError("\(name): its output breaks off after \(text.utf8.count) bytes, expected 'end'; try again")
    }
    for (index, line) in lines.enumerated() {
      guard take(line) else {
        throw CalibrationError(
          "\(name): line \(index + 1) is '\(line.prefix(60))', expected a figure, curve, fact, event or omission; try again"
        )
      }
    }
  }

  /// Takes a line over; false if it is none that a program prints.
  private mutating func take(_ line: Substring) -> Bool {
    let words = line.split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false)
    guard words.count == 3, Self.isName(words[1]), !words[2].isEmpty else { return false }
    let statement = Statement(name: String(words[1]), text: String(words[2]))
    switch words[0] {
    case "figure":
      guard let figure = Self.figure(statement.name, words[2].split(separator: " ")),
        !figures.contains(where: { $0.name == figure.name })
      else { return false }
      figures.append(figure)
    case "curve":
      let numbers = words[2].split(separator: " ")
      guard let first = numbers.first, let n = Int(first), n >= 0,
        let figure = Self.figure(statement.name, Array(numbers.dropFirst()))
      else { return false }
      curves.append(Point(n: n, figure: figure))
    case "fact": facts.append(statement)
    case "omitted": omissions.append(statement)
    case "event": events.append(statement)
    default: return false
    }
    return true
  }

  private static func isName(_ word: Substring) -> Bool {
    !word.isEmpty && word.utf8.count <= 40
      && word.utf8.allSatisfy { "abcdefghijklmnopqrstuvwxyz0123456789._".utf8.contains($0) }
  }

  private static func figure(_ name: String, _ words: [Substring]) -> MeasuredFigure? {
    let numbers = words.prefix(3).compactMap { Double($0) }
    guard words.count == 4, numbers.count == 3, let samples = Int(words[3]), samples > 0,
      0 <= numbers[0], numbers[0] <= numbers[1], numbers[1] <= numbers[2], numbers[2] <= 1e9
    else { return nil }
    return MeasuredFigure(name: name, low: numbers[0], value: numbers[1], high: numbers[2], samples: samples)
  }

  /// The report as a program prints it; curves are left out.
  package var lines: String {
    let figures = figures.map { "figure \($0.name) \($0.low) \($0.value) \($0.high) \($0.samples)" }
    let others = [("fact", facts), ("omitted", omissions), ("event", events)].flatMap { word, statements in
      statements.map { "\(word) \($0.name) \($0.text)" }
    }
    return (figures + others + ["end"]).joined(separator: "\n") + "\n"
  }

  /// Takes over what another program has printed.
  package mutating func add(_ other: ProgramReport) {
    figures += other.figures
    curves += other.curves
    facts += other.facts
    omissions += other.omissions
    events += other.events
  }

  /// A figure by name.
  package func figure(_ name: String) -> MeasuredFigure? { figures.first { $0.name == name } }

  /// A fact by name.
  package func fact(_ name: String) -> String? { facts.first { $0.name == name }?.text }
}
