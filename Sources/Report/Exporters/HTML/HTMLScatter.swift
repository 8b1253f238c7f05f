import Foundation
import Replay

/// Scatter charts, both axes by powers of ten, a shape for each series so that colour is not needed to tell them apart.
enum HTMLScatter {
  static func figure(of chart: ScatterChart) -> String {
    let series = chart.series.map { series in
      (series.name, series.points.filter { $0.x > 0 && $0.y > 0 && $0.x.isFinite && $0.y.isFinite })
    }
    let points = series.flatMap(\.1)
    guard !points.isEmpty else { return "" }
    let (x, y) = (Axis(logarithmic: points.map(\.x)), Axis(logarithmic: points.map(\.y)))
    let marks = series.enumerated().flatMap { index, series in
      series.1.map { point in
        let words = "\(series.0), \(point.label): \(Figure.number(point.x)), \(Figure.number(point.y))"
        return "<svg class=\"series\(index % 8)\" x=\"\(n(x.share(point.x)))%\" y=\"\(n(100 - y.share(point.y)))%\">"
          + "<title>\(HTMLExporter.escaped(words))</title>\(shape(index))</svg>"
      }
    }
    let legend = series.enumerated().map { index, series in
      "<span><svg class=\"key\"><svg class=\"series\(index % 8)\" x=\"50%\" y=\"50%\">\(shape(index))</svg></svg>"
        + "\(HTMLExporter.escaped(series.0))</span>"
    }
    let frame = PlotFrame(
      x: x.ticks, y: y.ticks, name: chart.x, spoken: "\(chart.title), \(points.count) points")
    return """
      <figure class="scatter">
      <figcaption>\(HTMLExporter.escaped(chart.title)); up: \(HTMLExporter.escaped(chart.y)), both axes by powers of ten\
      </figcaption>
      <div class="legend">\(legend.joined())</div>
      \(frame.html(around: marks))
      </figure>
      """
  }

  /// A shape around the origin.
  private static func shape(_ index: Int) -> String {
    switch index % 4 {
    case 0: "<circle r=\"4\"/>"
    case 1: "<rect x=\"-3.6\" y=\"-3.6\" width=\"7.2\" height=\"7.2\"/>"
    case 2: "<path d=\"M0 -5l5 9h-10z\"/>"
    default: "<path d=\"M0 -5.4l5.4 5.4l-5.4 5.4l-5.4 -5.4z\"/>"
    }
  }

  private static func n(_ x: Double) -> String { Figure.coordinate(x) }
}
