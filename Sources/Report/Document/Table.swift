/// Rows and columns, with a caption that names the unit and says whether figures are modelled or measured.
package struct Table: Equatable, Sendable {
  /// What the table shows.
  package var caption: String
  /// Columns, left to right; the first names the row.
  package var columns: [Column]
  /// Rows, top to bottom, one cell a column.
  package var rows: [[Cell]]

  /// A table from its rows; missing cells are empty.
  package init(caption: String, columns: [Column], rows: [[Cell]]) {
    self.caption = caption
    self.columns = columns
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

    /// A column of figures.
    package static func figure(_ title: String) -> Column { Column(title: title, isFigure: true) }

    /// A column of words.
    package static func words(_ title: String) -> Column { Column(title: title, isFigure: false) }
  }
}
