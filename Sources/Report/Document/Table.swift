/// Rows and columns, with a caption that names the unit and says whether figures are modelled or measured.
public struct Table: Equatable, Sendable {
  /// What the table shows.
  public var caption: String
  /// Columns, left to right; the first names the row.
  public var columns: [Column]
  /// Rows, top to bottom, one cell a column.
  public var rows: [[Cell]]

  /// A table from its rows; missing cells are empty.
  public init(caption: String, columns: [Column], rows: [[Cell]]) {
    self.caption = caption
    self.columns = columns
    self.rows = rows.map { row in
      Array((row + Array(repeating: Cell(""), count: columns.count)).prefix(columns.count))
    }
  }

  /// A column.
  public struct Column: Equatable, Sendable {
    /// Its heading.
    public var title: String
    /// Whether it holds figures, which are set flush right.
    public var isFigure: Bool

    /// A column of figures.
    public static func figure(_ title: String) -> Column { Column(title: title, isFigure: true) }

    /// A column of words.
    public static func words(_ title: String) -> Column { Column(title: title, isFigure: false) }
  }
}
