import Replay

/// Values one below the other, each with a bar over its low-high bracket.
package struct BarChart: Equatable, Sendable {
  /// What the bars show.
  package var title: String
  /// Unit of the axis.
  package var unit: String
  /// Bars, top to bottom.
  package var bars: [Bar]
  /// A value that the others are held against, marked on the axis; nil for none.
  package var reference: Double?

  /// A chart from its bars.
  package init(title: String, unit: String, bars: [Bar], reference: Double? = nil) {
    self.title = title
    self.unit = unit
    self.bars = bars
    self.reference = reference
  }

  /// One bar.
  package struct Bar: Equatable, Sendable {
    /// What it stands for.
    package var label: String
    /// Its value, and the bar.
    package var bracket: Bracket
    /// How it is meant.
    package var tone: Tone

    /// One bar.
    package init(label: String, bracket: Bracket, tone: Tone = .plain) {
      self.label = label
      self.bracket = bracket
      self.tone = tone
    }
  }
}
