/// A table as lines of text that fit a width: headings fold first, then words; where that is not enough, columns are left out, and
/// a note says which.
struct TextLayout {
  private let table: Table
  /// Columns of the table that are shown.
  private var shown: [Int]
  /// How wide each of them is.
  private var widths: [Int]

  private static let gap = 2
  /// What words are folded to at the least.
  private static let narrowest = 14

  /// The lines of a table, of at most `width` columns; nil for as wide as it gets.
  static func lines(of table: Table, width: Int?, paints: Bool) -> [String] {
    guard table.isSplit, let width else { return TextLayout(table, width: width).lines(paints: paints) }
    var parts: [[String]] = []
    var rest = Array(table.columns.indices.dropFirst())
    repeat {
      let part = TextLayout(table, width: width, columns: [0] + rest)
      parts.append(part.lines(paints: paints))
      // The first column and one more are always shown, though they may stick out.
      rest.removeFirst(min(rest.count, max(1, part.shown.count - 1)))
    } while !rest.isEmpty
    return Array(parts.joined(separator: [""]))
  }

  /// A layout of at most `width` columns of all or some of a table; nil for as wide as it gets.
  init(_ table: Table, width: Int?, columns: [Int]? = nil) {
    self.table = table
    shown = columns ?? Array(table.columns.indices)
    widths = []
    measure(folding: false)
    guard let width else { return }
    while total > width {
      measure(folding: true)
      shrink(to: width)
      guard total > width, let dropped = next else { return }
      shown.removeAll { $0 == dropped }
      measure(folding: false)
    }
  }

  /// The lines: headings, a rule, rows, and what was left out.
  func lines(paints: Bool) -> [String] {
    let headings = row(shown.map { Cell(table.columns[$0].title) }, paints: paints, atBottom: true)
    let rule = widths.map { String(repeating: "-", count: $0) }.joined(separator: "  ")
    let left = table.isSplit ? [] : table.columns.indices.filter { !shown.contains($0) }.map { table.columns[$0].title }
    return headings + [rule] + table.rows.flatMap { cells in row(shown.map { cells[$0] }, paints: paints) }
      + (left.isEmpty
        ? []
        : Terminal.wrapped("(left out for want of room: \(left.joined(separator: ", ")))", width: max(total, 60)))
  }

  private var total: Int { widths.reduce(0, +) + Self.gap * max(0, widths.count - 1) }

  /// The column to leave out next: of those that matter least the last, never the first.
  private var next: Int? {
    table.isSplit
      ? shown.dropFirst(2).last
      : shown.dropFirst().max { (table.columns[$0].rank, $0) < (table.columns[$1].rank, $1) }
  }

  private mutating func measure(folding: Bool) {
    widths = shown.map { index in
      let title = table.columns[index].title
      let heading = folding ? title.split(separator: " ").map(\.count).max() ?? 0 : title.count
      return table.rows.reduce(heading) { max($0, Terminal.printable($1[index].text).count) }
    }
  }

  /// Folds the widest words until all fits, or nothing more can be folded.
  private mutating func shrink(to width: Int) {
    while total > width {
      let widest = shown.indices.filter { !table.columns[shown[$0]].isFigure && widths[$0] > Self.narrowest }
        .max { widths[$0] < widths[$1] }
      guard let widest else { return }
      let second =
        shown.indices.filter { $0 != widest && !table.columns[shown[$0]].isFigure }.map { widths[$0] }.max() ?? 0
      widths[widest] = max(Self.narrowest, min(widths[widest] - 1, max(second, widths[widest] - (total - width))))
    }
  }

  private func row(_ cells: [Cell], paints: Bool, atBottom: Bool = false) -> [String] {
    let folded = zip(cells, widths).map { cell, width in
      Terminal.printable(cell.text).count <= width
        ? [Terminal.printable(cell.text)] : Terminal.wrapped(cell.text, width: width, breakingWords: true)
    }
    let height = folded.map(\.count).max() ?? 1
    return (0..<height).map { line in
      var text = ""
      var pending = 0
      for (index, lines) in folded.enumerated() {
        let at = atBottom ? line - (height - lines.count) : line
        let word = lines.indices.contains(at) ? lines[at] : ""
        let blanks = widths[index] - word.count
        let isFigure = table.columns[shown[index]].isFigure
        if index > 0 { pending += Self.gap }
        if isFigure { pending += blanks }
        if !word.isEmpty {
          // Blanks come only before something, so that no line ends in them.
          text += String(repeating: " ", count: pending) + Paint.tone(cells[index].tone, word, if: paints)
          pending = 0
        }
        if !isFigure { pending += blanks }
      }
      return text
    }
  }
}
