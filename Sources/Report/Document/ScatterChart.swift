/// Points in a plane whose axes are both logarithmic, a colour and a shape for each series; its figures also stand in a table.
package struct ScatterChart: Equatable, Sendable {
  /// What the points show.
  package var title: String
  /// The horizontal axis, with its unit.
  package var x: String
  /// The vertical axis, with its unit.
  package var y: String
  /// The points, by what they are of.
  package var series: [Series]

  /// A chart from its points.
  package init(title: String, x: String, y: String, series: [Series]) {
    self.title = title
    self.x = x
    self.y = y
    self.series = series
  }

  /// Points of one name.
  package struct Series: Equatable, Sendable {
    /// The name.
    package var name: String
    /// The points.
    package var points: [Point]

    /// Points of one name.
    package init(name: String, points: [Point]) {
      self.name = name
      self.points = points
    }
  }

  /// One point; it is left out where either figure is not positive.
  package struct Point: Equatable, Sendable {
    /// Along the horizontal axis.
    package var x: Double
    /// Along the vertical axis.
    package var y: Double
    /// What the point is.
    package var label: String

    /// One point.
    package init(x: Double, y: Double, label: String) {
      self.x = x
      self.y = y
      self.label = label
    }
  }
}
