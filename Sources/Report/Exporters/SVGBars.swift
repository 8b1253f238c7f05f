import Foundation
import Replay

/// Bar charts as inline SVG: bars from zero, whiskers over the bracket, the same figures as text for screen readers.
enum SVGBars {
  private static let width = 760.0
  private static let rowHeight = 34.0
  private static let labelWidth = 130.0
  private static let plotWidth = 520.0
  private static let top = 8.0

  static func figure(of chart: BarChart) -> String {
    guard !chart.bars.isEmpty else { return "" }
    let step = tickStep(for: chart.bars.map(\.bracket.high).max() ?? 0)
    let axisEnd = step * 5
    let bottom = top + rowHeight * Double(chart.bars.count)
    let spoken = chart.bars.map { "\($0.label): \(figures($0.bracket, chart.unit))" }.joined(separator: "; ")
    let ticks = (0...5).map { tick(Double($0) * step, of: axisEnd, bottom: bottom) }
    let bars = chart.bars.enumerated().map { i, bar in
      row(bar, unit: chart.unit, y: top + rowHeight * Double(i), axisEnd: axisEnd)
    }
    return """
      <figure>
      <figcaption>\(HTMLExporter.escaped(chart.title)), in \(HTMLExporter.escaped(chart.unit)); \
      whiskers span the low-high bracket</figcaption>
      <svg viewBox="0 0 \(n(width)) \(n(bottom + 26))" role="img" aria-label="\(HTMLExporter.escaped(spoken))">
      \((ticks + bars).joined(separator: "\n"))
      </svg>
      </figure>
      """
  }

  private static func row(_ bar: BarChart.Bar, unit: String, y: Double, axisEnd: Double) -> String {
    func x(_ value: Double) -> Double { labelWidth + plotWidth * min(max(value / axisEnd, 0), 1) }
    let middle = y + rowHeight / 2
    let (low, high) = (x(bar.bracket.low), x(bar.bracket.high))
    return """
      <g><title>\(HTMLExporter.escaped("\(bar.label): \(figures(bar.bracket, unit))"))</title>
      <text x="\(n(labelWidth - 8))" y="\(n(middle + 4.5))" text-anchor="end">\(HTMLExporter.escaped(bar.label))</text>
      <rect x="\(n(labelWidth))" y="\(n(middle - 9))" width="\(n(x(bar.bracket.value) - labelWidth))" height="18"/>
      <line class="whisker" x1="\(n(low))" y1="\(n(middle))" x2="\(n(high))" y2="\(n(middle))"/>
      <line class="whisker" x1="\(n(low))" y1="\(n(middle - 5))" x2="\(n(low))" y2="\(n(middle + 5))"/>
      <line class="whisker" x1="\(n(high))" y1="\(n(middle - 5))" x2="\(n(high))" y2="\(n(middle + 5))"/>
      <text x="\(n(labelWidth + plotWidth + 14))" y="\(n(middle + 4.5))">\(Figure.number(bar.bracket.value))</text></g>
      """
  }

  private static func tick(_ value: Double, of axisEnd: Double, bottom: Double) -> String {
    let x = labelWidth + plotWidth * value / axisEnd
    return """
      <line class="grid" x1="\(n(x))" y1="\(n(top))" x2="\(n(x))" y2="\(n(bottom))"/>\
      <text class="axis" x="\(n(x))" y="\(n(bottom + 18))" text-anchor="middle">\(Figure.number(value))</text>
      """
  }

  private static func figures(_ bracket: Bracket, _ unit: String) -> String {
    "\(Figure.number(bracket.value)) \(unit), \(Figure.range(bracket))"
  }

  /// The least step of 1, 2 or 5 times a power of ten whose fivefold holds the greatest value.
  private static func tickStep(for greatest: Double) -> Double {
    guard greatest > 0, greatest.isFinite else { return 1 }
    let power = pow(10, floor(log10(greatest / 5)))
    return [1, 2, 5, 10].map { $0 * power }.first { $0 * 5 >= greatest } ?? greatest / 5
  }

  private static func n(_ x: Double) -> String { Figure.coordinate(x) }
}
