import Replay

/// Horizontal bars from zero, each with a whisker over its low-high bracket.
public struct BarChart: Equatable, Sendable {
  /// What the bars show.
  public var title: String
  /// Unit of the axis.
  public var unit: String
  /// Bars, top to bottom.
  public var bars: [Bar]

  /// A chart from its bars.
  public init(title: String, unit: String, bars: [Bar]) {
    self.title = title
    self.unit = unit
    self.bars = bars
  }

  /// One bar.
  public struct Bar: Equatable, Sendable {
    /// What it stands for.
    public var label: String
    /// Its length, and the whisker.
    public var bracket: Bracket

    /// One bar.
    public init(label: String, bracket: Bracket) {
      self.label = label
      self.bracket = bracket
    }
  }
}
