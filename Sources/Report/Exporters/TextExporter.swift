import TextTable

/// Documents as text for a terminal or a log.
package struct TextExporter: Sendable {
  /// Whether tones are painted with ANSI colours.
  package var paints: Bool

  /// An exporter; painted or not.
  package init(paints: Bool = false) { self.paints = paints }

  /// The documents one below the other.
  package func export(_ documents: [Document]) -> String {
    documents.map { lines(of: $0).joined(separator: "\n") + "\n" }.joined(separator: "\n\n")
  }

  private func lines(of document: Document) -> [String] {
    var lines = [Paint.bold(Terminal.printable(document.title), if: paints)]
    for block in document.blocks {
      switch block {
      case .heading(let text): lines += ["", Paint.bold(Terminal.printable(text), if: paints)]
      case .paragraph(let text): lines += Terminal.wrapped(text)
      case .list(let cells): lines += cells.flatMap(item)
      case .facts(let facts): lines += aligned(facts)
      case .table(let table): lines += [""] + rendered(table)
      case .chart, .scatter: break
      }
    }
    return lines
  }

  private func item(_ cell: Cell) -> [String] {
    let lines = Terminal.wrapped(cell.text, indent: "    ")
    return ["  - " + Paint.tone(cell.tone, String(lines[0].dropFirst(4)), if: paints)] + lines.dropFirst()
  }

  private func aligned(_ facts: [Document.Fact]) -> [String] {
    let width = facts.map(\.name.count).max() ?? 0
    return facts.map { fact in
      let padding = String(repeating: " ", count: width - fact.name.count)
      return "  \(fact.name)\(padding)  \(Terminal.printable(fact.value))"
    }
  }

  private func rendered(_ table: Table) -> [String] {
    let painted = TextTable<[Cell]> { row in
      zip(table.columns, row).map { column, cell in
        Column(
          title: Paint.mark(.plain, column.title, if: paints),
          value: Paint.mark(cell.tone, Terminal.printable(cell.text), if: paints),
          align: column.isFigure ? .right : .left)
      }
    }
    guard let text = painted.string(for: table.rows, style: Spaced.self) else {
      return Terminal.wrapped(table.caption + ": none.")
    }
    return Terminal.wrapped(table.caption) + text.split(separator: "\n").map { Paint.replacingMarks(in: String($0)) }
  }
}

/// Columns two spaces apart, no blanks at line ends.
private enum Spaced: TextTableStyle {
  static func prepare(_ s: String, for column: Column) -> String { Simple.prepare(s, for: column) }
  static func escape(_ s: String) -> String { s }
  static func begin(_ table: inout String, index: Int, columns: [Column]) {}
  static func end(_ table: inout String, index: Int, columns: [Column]) {}

  static func header(_ table: inout String, index: Int, columns: [Column]) {
    let headings = columns.map { $0.headerString(for: self) }
    table += line(headings)
    table += line(headings.map { String(repeating: "-", count: Paint.width(of: $0)) })
  }

  static func row(_ table: inout String, index: Int, columns: [Column]) {
    table += line(columns.map { $0.string(for: self) })
  }

  private static func line(_ cells: [String]) -> String {
    let joined = cells.joined(separator: "  ")
    return joined[...(joined.lastIndex { $0 != " " && !Paint.isMark($0) } ?? joined.startIndex)] + "\n"
  }
}
