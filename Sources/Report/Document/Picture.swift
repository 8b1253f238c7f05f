import Replay

/// What is there for the eye alone: its figures also stand in a table.
package enum Picture: Equatable, Sendable {
  /// Values with brackets, one below the other.
  case bars(BarChart)
  /// Points on logarithmic axes.
  case scatter(ScatterChart)
  /// Percentiles of distributions.
  case curves(CurveChart)
  /// What wholes are made of.
  case stacks(StackChart)
  /// What happened when, in strips one below the other.
  case strips(StripChart)
  /// How many values lie in which range; the one picture that text shows, too.
  case histogram(HistogramChart)
}

/// Percentile curves with bands over their brackets: a small plot for each subject, all on the same axes.
package struct CurveChart: Equatable, Sendable {
  /// What the curves show.
  package var title: String
  /// Unit of the vertical axis, which is logarithmic.
  package var unit: String
  /// The plots, in reading order.
  package var plots: [Plot]

  /// One small plot.
  package struct Plot: Equatable, Sendable {
    /// Whose curves they are.
    package var label: String
    /// Its curves, by what they are of; no more than three.
    package var curves: [(name: String, points: [LatencyCurves.Point])]

    package static func == (a: Self, b: Self) -> Bool {
      a.label == b.label && a.curves.elementsEqual(b.curves) { $0.name == $1.name && $0.points == $1.points }
    }
  }
}

/// Bars made of parts that add up.
package struct StackChart: Equatable, Sendable {
  /// What the bars show.
  package var title: String
  /// Unit of the axis.
  package var unit: String
  /// What the parts are, in the order in which they lie.
  package var parts: [String]
  /// The bars, top to bottom.
  package var bars: [Bar]

  /// A chart from its bars.
  package init(title: String, unit: String, parts: [String], bars: [Bar]) {
    (self.title, self.unit, self.parts, self.bars) = (title, unit, parts, bars)
  }

  /// One bar.
  package struct Bar: Equatable, Sendable {
    /// What it stands for.
    package var label: String
    /// Its parts; zero for one that it lacks.
    package var values: [Double]

    /// One bar.
    package init(label: String, values: [Double]) { (self.label, self.values) = (label, values) }
  }
}

/// Strips of cells along one axis, a strip for each thing, with places of interest above.
package struct StripChart: Equatable, Sendable {
  /// What the strips show.
  package var title: String
  /// What a cell counts: `notifications`.
  package var unit: String
  /// What the axis counts: `stores`.
  package var axis: String
  /// The axis's end; it begins at 0.
  package var end: Double
  /// Whether cells are columns whose height tells, or fields whose shade does; both by powers of ten.
  package var isShaded: Bool
  /// The strips, top to bottom.
  package var strips: [Strip]
  /// Places of interest, in order.
  package var places: [(at: Double, name: String)]

  package static func == (a: Self, b: Self) -> Bool {
    a.title == b.title && a.unit == b.unit && a.axis == b.axis && a.end == b.end && a.isShaded == b.isShaded
      && a.strips == b.strips && a.places.elementsEqual(b.places) { $0 == $1 }
  }

  /// One strip.
  package struct Strip: Equatable, Sendable {
    /// What it stands for.
    package var label: String
    /// How many fall into each cell.
    package var cells: [UInt64]
  }
}

/// How many values lie in which range.
package struct HistogramChart: Equatable, Sendable {
  /// What is counted, with its unit.
  package var title: String
  /// Ranges in order, their ends not included, with how many lie there.
  package var ranges: [(low: UInt64, high: UInt64, count: UInt64)]

  package static func == (a: Self, b: Self) -> Bool {
    a.title == b.title && a.ranges.elementsEqual(b.ranges) { $0 == $1 }
  }
}
