/// Documents as one HTML page that needs nothing else: styles and charts are inline, light and dark follow the reader's
/// preference, figures of every chart stand in a table.
package enum HTMLExporter {
  /// One page of all documents.
  package static func export(_ documents: [Document]) -> String {
    let title = documents.count == 1 ? documents[0].title : "gi-bench: \(documents.count) reports"
    return """
      <!DOCTYPE html>
      <html lang="en">
      <head>
      <meta charset="utf-8">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <meta name="color-scheme" content="light dark">
      <title>\(escaped(title))</title>
      <style>
      \(HTMLStyle.sheet)
      </style>
      </head>
      <body>
      <main>
      \(documents.map(article).joined(separator: "\n"))
      </main>
      </body>
      </html>

      """
  }

  private static func article(_ document: Document) -> String {
    """
    <article>
    <h1>\(escaped(document.title))</h1>
    \(document.blocks.map(block).joined(separator: "\n"))
    </article>
    """
  }

  private static func block(_ block: Document.Block) -> String {
    switch block {
    case .heading(let text): return "<h2>\(escaped(text))</h2>"
    case .paragraph(let text): return "<p>\(escaped(text))</p>"
    case .list(let cells):
      return "<ul>\n" + cells.map { "<li\(mark($0))>\(escaped($0.text))</li>" }.joined(separator: "\n") + "\n</ul>"
    case .facts(let facts):
      let pairs = facts.map { "<dt>\(escaped($0.name))</dt><dd>\(escaped($0.value))</dd>" }
      return "<dl>\n" + pairs.joined(separator: "\n") + "\n</dl>"
    case .table(let table): return rendered(table)
    case .chart(let chart): return SVGBars.figure(of: chart)
    case .scatter(let chart): return SVGScatter.figure(of: chart)
    }
  }

  private static func rendered(_ table: Table) -> String {
    if table.rows.isEmpty { return "<p>\(escaped(table.caption)): none.</p>" }
    let head = table.columns.map { "<th scope=\"col\"\(alignment($0))>\(escaped($0.title))</th>" }.joined()
    let rows = table.rows.map { row in
      zip(table.columns, row).enumerated().map { i, pair in
        let (column, cell) = pair
        let tag = i == 0 ? "th scope=\"row\"" : "td"
        return "<\(tag)\(alignment(column, cell))>\(escaped(cell.text))</\(i == 0 ? "th" : "td")>"
      }.joined()
    }
    return """
      <div class="wide" tabindex="0" role="region" aria-label="\(escaped(table.caption))"><table>
      <caption>\(escaped(table.caption))</caption>
      <thead><tr>\(head)</tr></thead>
      <tbody>
      \(rows.map { "<tr>\($0)</tr>" }.joined(separator: "\n"))
      </tbody>
      </table></div>
      """
  }

  private static func alignment(_ column: Table.Column, _ cell: Cell = "") -> String {
    let classes = (column.isFigure ? ["figure"] : []) + (cell.tone == .plain ? [] : [cell.tone.rawValue])
    return classes.isEmpty ? "" : " class=\"\(classes.joined(separator: " "))\""
  }

  private static func mark(_ cell: Cell) -> String {
    cell.tone == .plain ? "" : " class=\"\(cell.tone.rawValue)\""
  }

  /// The text with everything HTML would act on escaped, fit for element content and quoted attributes.
  static func escaped(_ text: String) -> String {
    var result = ""
    for character in Terminal.printable(text) {
      switch character {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      case "'": result += "&#39;"
      default: result.append(character)
      }
    }
    return result
  }
}
