import Foundation

/// Scatter charts as inline SVG, both axes by powers of ten, a shape for each series so that colour is not needed to tell them
/// apart.
enum SVGScatter {
  private static let (width, height) = (760.0, 420.0)
  private static let (left, right, top, bottom) = (78.0, 16.0, 12.0, 58.0)

  static func figure(of chart: ScatterChart) -> String {
    let series = chart.series.map { series in
      (series.name, series.points.filter { $0.x > 0 && $0.y > 0 && $0.x.isFinite && $0.y.isFinite })
    }
    let points = series.flatMap(\.1)
    guard !points.isEmpty else { return "" }
    let (xs, ys) = (decades(points.map(\.x)), decades(points.map(\.y)))
    func x(_ value: Double) -> Double { left + (width - left - right) * share(value, xs) }
    func y(_ value: Double) -> Double { height - bottom - (height - top - bottom) * share(value, ys) }
    let grid =
      xs.map { power in
        """
        <line class="grid" x1="\(n(x(pow(10, Double(power)))))" y1="\(n(top))" x2="\(n(x(pow(10, Double(power)))))" y2="\(n(height - bottom))"/>\
        <text class="axis" x="\(n(x(pow(10, Double(power)))))" y="\(n(height - bottom + 16))" text-anchor="middle">\(words(power))</text>
        """
      }
      + ys.map { power in
        """
        <line class="grid" x1="\(n(left))" y1="\(n(y(pow(10, Double(power)))))" x2="\(n(width - right))" y2="\(n(y(pow(10, Double(power)))))"/>\
        <text class="axis" x="\(n(left - 8))" y="\(n(y(pow(10, Double(power))) + 4))" text-anchor="end">\(words(power))</text>
        """
      }
    let marks = series.enumerated().flatMap { index, series in
      series.1.map { point in
        """
        <g class="series\(index % 8)"><title>\(HTMLExporter.escaped("\(series.0), \(point.label): \(Figure.number(point.x)), \(Figure.number(point.y))"))</title>\
        \(shape(index, x(point.x), y(point.y)))</g>
        """
      }
    }
    let columns = min(max(series.count, 1), 4)
    let legend = series.enumerated().map { index, series in
      let at = (left + Double(index % columns) * 168, height + 8 + Double(index / columns) * 20)
      return """
        <g class="series\(index % 8)">\(shape(index, at.0 + 6, at.1))</g>\
        <text x="\(n(at.0 + 18))" y="\(n(at.1 + 4.5))">\(HTMLExporter.escaped(series.0))</text>
        """
    }
    let whole = height + 20 * Double((series.count + columns - 1) / columns)
    return """
      <figure>
      <figcaption>\(HTMLExporter.escaped(chart.title)); both axes logarithmic</figcaption>
      <svg viewBox="0 0 \(n(width)) \(n(whole))" role="img" aria-label="\(HTMLExporter.escaped(chart.title)), \(points.count) points">
      \((grid + marks + legend).joined(separator: "\n"))
      <text class="axis" x="\(n((left + width - right) / 2))" y="\(n(height - bottom + 38))" text-anchor="middle">\(HTMLExporter.escaped(chart.x))</text>
      <text class="axis" x="\(n(16))" y="\(n((top + height - bottom) / 2))" text-anchor="middle" \
      transform="rotate(-90 16 \(n((top + height - bottom) / 2)))">\(HTMLExporter.escaped(chart.y))</text>
      </svg>
      </figure>
      """
  }

  /// The powers of ten that hold all values, at least two.
  private static func decades(_ values: [Double]) -> ClosedRange<Int> {
    let low = Int(floor(log10(values.min() ?? 1)))
    return low...max(low + 1, Int(ceil(log10(values.max() ?? 1))))
  }

  private static func share(_ value: Double, _ decades: ClosedRange<Int>) -> Double {
    (log10(value) - Double(decades.lowerBound)) / Double(decades.upperBound - decades.lowerBound)
  }

  private static func words(_ power: Int) -> String { Figure.number(pow(10, Double(power))) }

  private static func shape(_ index: Int, _ x: Double, _ y: Double) -> String {
    switch index % 4 {
    case 0: "<circle cx=\"\(n(x))\" cy=\"\(n(y))\" r=\"4\"/>"
    case 1: "<rect x=\"\(n(x - 3.6))\" y=\"\(n(y - 3.6))\" width=\"7.2\" height=\"7.2\"/>"
    case 2: "<path d=\"M\(n(x)) \(n(y - 5))l5 9h-10z\"/>"
    default: "<path d=\"M\(n(x)) \(n(y - 5.4))l5.4 5.4l-5.4 5.4l-5.4 -5.4z\"/>"
    }
  }

  private static func n(_ x: Double) -> String { Figure.coordinate(x) }
}
