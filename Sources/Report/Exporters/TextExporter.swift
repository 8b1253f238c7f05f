/// Documents as text for a terminal or a log.
package struct TextExporter: Sendable {
  /// Whether tones are painted with ANSI colours.
  package var paints: Bool

  /// Columns that are there; nil for as many as a table needs.
  package var width: Int?

  /// An exporter, painted or not.
  package init(paints: Bool = false, width: Int? = nil) {
    self.paints = paints
    self.width = width
  }

  /// The documents one below the other.
  package func export(_ documents: [Document]) -> String {
    documents.map { lines(of: $0).joined(separator: "\n") + "\n" }.joined(separator: "\n\n")
  }

  private func lines(of document: Document) -> [String] {
    var lines = Terminal.wrapped(document.title, width: width ?? Int.max).map { Paint.bold($0, if: paints) }
    for block in document.blocks {
      switch block {
      case .heading(let text): lines += ["", Paint.bold(Terminal.printable(text), if: paints)]
      case .paragraph(let text): lines += wrapped(text)
      case .list(let cells): lines += cells.flatMap(item)
      case .facts(let facts): lines += aligned(facts)
      case .table(let table): lines += [""] + rendered(table)
      case .picture(.histogram(let histogram)): lines += [""] + rendered(histogram)
      case .picture: break
      }
    }
    return lines
  }

  private func item(_ cell: Cell) -> [String] {
    let lines = wrapped(cell.text, indent: "    ")
    return ["  - " + Paint.tone(cell.tone, String(lines[0].dropFirst(4)), if: paints)] + lines.dropFirst()
  }

  private func aligned(_ facts: [Document.Fact]) -> [String] {
    let names = facts.map(\.name.count).max() ?? 0
    return facts.flatMap { fact in
      let name = "  \(fact.name)\(String(repeating: " ", count: names - fact.name.count))  "
      guard let width, name.count + fact.value.count > width else { return [name + Terminal.printable(fact.value)] }
      let lines = wrapped(fact.value, indent: String(repeating: " ", count: name.count))
      return [name + lines[0].dropFirst(name.count)] + lines.dropFirst()
    }
  }

  private func rendered(_ table: Table) -> [String] {
    if table.rows.isEmpty { return wrapped(table.caption + ": none.") }
    return wrapped(table.caption) + TextLayout.lines(of: table, width: width, paints: paints)
  }

  private func wrapped(_ text: String, indent: String = "") -> [String] {
    Terminal.wrapped(text, indent: indent, width: width ?? Terminal.width)
  }
}
