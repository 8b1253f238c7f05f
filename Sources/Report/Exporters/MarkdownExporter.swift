/// Documents as GitHub-flavoured Markdown.
package enum MarkdownExporter {
  /// The documents one below the other.
  package static func export(_ documents: [Document]) -> String {
    documents.map { document in
      ([("# " + escaped(document.title))] + document.blocks.compactMap(block)).joined(separator: "\n\n") + "\n"
    }.joined(separator: "\n")
  }

  private static func block(_ block: Document.Block) -> String? {
    switch block {
    case .heading(let text): "## " + escaped(text)
    case .paragraph(let text): escaped(text)
    case .list(let cells): cells.map { "- " + phrase($0) }.joined(separator: "\n")
    case .facts(let facts): facts.map { "- **\(escaped($0.name))**: \(escaped($0.value))" }.joined(separator: "\n")
    case .table(let table): rendered(table)
    case .picture: nil
    }
  }

  private static func rendered(_ table: Table) -> String {
    if table.rows.isEmpty { return escaped(table.caption) + ": none." }
    func row(_ cells: [String]) -> String { "| " + cells.joined(separator: " | ") + " |" }
    return
      ([escaped(table.caption), "", row(table.columns.map { escaped($0.title) })]
      + [row(table.columns.map { $0.isFigure ? "---:" : ":---" })] + table.rows.map { row($0.map(phrase)) })
      .joined(separator: "\n")
  }

  private static func phrase(_ cell: Cell) -> String {
    cell.tone == .bad && !cell.text.isEmpty ? "**\(escaped(cell.text))**" : escaped(cell.text)
  }

  /// The text with everything Markdown or HTML would act on escaped, on one line.
  static func escaped(_ text: String) -> String {
    var result = ""
    for character in Terminal.printable(text) {
      switch character {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\\", "`", "*", "_", "[", "]", "|", "#", "~":
        result.append("\\")
        result.append(character)
      default: result.append(character)
      }
    }
    return result
  }
}
