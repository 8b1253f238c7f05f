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
      \(contents(of: documents))\
      \(documents.enumerated().map { article($1, number: $0 + 1) }.joined(separator: "\n"))
      </main>
      </body>
      </html>

      """
  }

  /// Where everything is: nothing for a page that is short.
  private static func contents(of documents: [Document]) -> String {
    let entries = documents.enumerated().map { index, document in
      let headings = headings(of: document, number: index + 1).map {
        "<li><a href=\"#\($0.anchor)\">\(escaped($0.text))</a></li>"
      }
      let title = "<a href=\"#part\(index + 1)\">\(escaped(document.title))</a>"
      return (documents.count > 1 ? "<li>\(title)" : "<li>Contents")
        + (headings.isEmpty ? "" : "<ul>\(headings.joined())</ul>") + "</li>"
    }
    guard documents.count > 1 || documents.contains(where: { headings(of: $0, number: 1).count > 2 }) else { return "" }
    return "<nav aria-label=\"contents\"><ul>\(entries.joined(separator: "\n"))</ul></nav>\n"
  }

  /// The headings of a document, the `number`th of the page, with their anchors: words that stay what they are when others come.
  private static func headings(of document: Document, number: Int) -> [(anchor: String, text: String)] {
    var taken: Set<String> = []
    return document.blocks.compactMap { block in
      guard case .heading(let text) = block else { return nil }
      let words = text.lowercased().split { !($0.isASCII && ($0.isLetter || $0.isNumber)) }
      var anchor = "part\(number)-" + words.prefix(4).joined(separator: "-")
      while !taken.insert(anchor).inserted { anchor += "-" }
      return (anchor, text)
    }
  }

  private static func article(_ document: Document, number: Int) -> String {
    var headings = headings(of: document, number: number)[...]
    let blocks = document.blocks.map { block in
      guard case .heading = block, let (anchor, text) = headings.popFirst() else { return self.block(block) }
      return "<h2 id=\"\(anchor)\">\(escaped(text)) <a href=\"#\(anchor)\" aria-label=\"link to this part\">#</a></h2>"
    }
    return """
      <article id="part\(number)">
      <h1>\(escaped(document.title))</h1>
      \(blocks.filter { !$0.isEmpty }.joined(separator: "\n"))
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
    case .picture(let picture): return figure(of: picture)
    }
  }

  private static func figure(of picture: Picture) -> String {
    switch picture {
    case .bars(let chart): HTMLBars.figure(of: chart)
    case .scatter(let chart): HTMLScatter.figure(of: chart)
    case .curves(let chart): HTMLCurves.figure(of: chart)
    case .stacks(let chart): HTMLStacks.figure(of: chart)
    case .strips(let chart): HTMLStrips.figure(of: chart)
    case .histogram(let chart): HTMLHistogram.figure(of: chart)
    }
  }

  private static func rendered(_ table: Table) -> String {
    if table.rows.isEmpty { return "<p>\(escaped(table.caption)): none.</p>" }
    let head = table.columns.map { "<th scope=\"col\"\(alignment($0))>\(escaped($0.title))</th>" }.joined()
    // On a narrow screen a row of many columns becomes a block, each figure with its heading.
    let folds = table.columns.count > 3
    let styles = (table.isMatrix ? ["matrix"] : []) + (folds ? ["folds"] : [])
    let style = styles.isEmpty ? "" : " class=\"\(styles.joined(separator: " "))\""
    let rows = table.rows.map { row in
      zip(table.columns, row).enumerated().map { i, pair in
        let (column, cell) = pair
        let tag = i == 0 ? "th scope=\"row\"" : folds ? "td data-label=\"\(escaped(column.title))\"" : "td"
        return "<\(tag)\(alignment(column, cell))>\(escaped(cell.text))</\(i == 0 ? "th" : "td")>"
      }.joined()
    }
    return """
      <p class="caption">\(escaped(table.caption))</p>
      <div class="wide" tabindex="0" role="region" aria-label="\(escaped(table.caption))"><table\(style)>
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
