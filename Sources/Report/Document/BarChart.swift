import Replay

/// Horizontal bars from zero, each with a whisker over its low-high bracket.
package struct BarChart: Equatable, Sendable {
  /// What the bars show.
  package var title: String
  /// Unit of the axis.
  package var unit: String
  /// Bars, top to bottom.
  package var bars: [Bar]

  /// A chart from its bars.
  package init(title: String, unit: String, bars: [Bar]) {
    self.title = title
    self.unit = unit
    self.bars = bars
  }

  /// One bar.
  package struct Bar: Equatable, Sendable {
    /// What it stands for.
    package var label: String
    /// Its length, and the whisker.
    package var bracket: Bracket

    /// One bar.
    package init(label: String, bracket: Bracket) {
      self.label = label
      self.bracket = bracket
    }
  }
}
