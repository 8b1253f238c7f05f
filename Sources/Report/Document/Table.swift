/// Rows and columns, with a caption that names the unit and says whether figures are modelled or measured.
package struct Table: Equatable, Sendable {
  /// What the table shows.
  package var caption: String
  /// Columns, left to right; the first names the row.
  package var columns: [Column]
  /// Rows, top to bottom, one cell a column.
  package var rows: [[Cell]]
  /// Whether columns that find no room follow below, each part with the first column again, instead of being left out.
  package var isSplit: Bool
  /// Whether its cells are verdicts that a page may also paint.
  package var isMatrix: Bool

  /// A table from its rows; missing cells are empty.
  package init(
    caption: String, columns: [Column], rows: [[Cell]], isSplit: Bool = false, isMatrix: Bool = false
  ) {
    self.caption = caption
    self.columns = columns
    self.isSplit = isSplit
    self.isMatrix = isMatrix
    self.rows = rows.map { row in
      Array((row + Array(repeating: Cell(""), count: columns.count)).prefix(columns.count))
    }
  }

  /// A column.
  package struct Column: Equatable, Sendable {
    /// Its heading.
    package var title: String
    /// Whether it holds figures, which are set flush right.
    package var isFigure: Bool

    /// Where room is scarce, columns of greater ranks are left out first; of equal ones the last.
    package var rank = 0

    /// A column of figures.
    package static func figure(_ title: String, rank: Int = 0) -> Column {
      Column(title: title, isFigure: true, rank: rank)
    }

    /// A column of words.
    package static func words(_ title: String, rank: Int = 0) -> Column {
      Column(title: title, isFigure: false, rank: rank)
    }
  }
}
