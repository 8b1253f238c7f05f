import Foundation
import Replay

/// Strips of cells along one axis, as HTML that flows with the page: columns or shaded fields, and above them the places of interest
/// by number, whose names stand below.
enum HTMLStrips {
  static func figure(of chart: StripChart) -> String {
    let strips = chart.strips.filter { $0.cells.contains { $0 > 0 } }
    guard !strips.isEmpty else { return "" }
    let most = strips.flatMap(\.cells).max() ?? 1
    let axis = Axis(to: chart.end)
    let spoken = strips.map { "\($0.label): \($0.cells.reduce(0, +))" }.joined(separator: "; ")
    let ticks = axis.ticks.map { "<small style=\"left:\(n($0.share))%\">\($0.words)</small>" }
    return """
      <figure class="strips" role="img" aria-label="\(HTMLExporter.escaped(spoken))">
      <figcaption>\(HTMLExporter.escaped(chart.title)). \(chart.isShaded ? "Shade" : "Height") by powers of ten, up to \
      \(Figure.count(most)) \(HTMLExporter.escaped(chart.unit)) in a cell.</figcaption>
      \(strips.map { row($0, most: most, chart, axis) }.joined(separator: "\n"))
      <div class="strip"><span></span><span class="scale">\(ticks.joined())</span><span></span></div>
      <div class="strip"><span></span><span class="name">\(HTMLExporter.escaped(chart.axis))</span><span></span></div>
      \(places(chart))</figure>
      """
  }

  private static func row(_ strip: StripChart.Strip, most: UInt64, _ chart: StripChart, _ axis: Axis) -> String {
    let width = 100 / Double(max(strip.cells.count, 1))
    let cells = strip.cells.enumerated().filter { $0.element > 0 }.map { index, count in
      let weight = weight(of: count, most: most)
      let from = chart.end * Double(index) / Double(strip.cells.count)
      let to = chart.end * Double(index + 1) / Double(strip.cells.count)
      let title =
        "<title>\(HTMLExporter.escaped("\(strip.label), \(Figure.number(from)) to \(Figure.number(to)): \(count) \(chart.unit)"))</title>"
      let (top, height) = chart.isShaded ? (0, 100) : (100 - weight * 100, weight * 100)
      return "<rect x=\"\(n(Double(index) * width))%\" y=\"\(n(top))%\" width=\"\(n(max(width, 0.3)))%\" "
        + "height=\"\(n(height))%\"\(chart.isShaded ? " fill-opacity=\"\(n2(weight))\"" : "")>\(title)</rect>"
    }
    let lines = chart.places.map {
      "<line class=\"place\" x1=\"\(n(axis.share($0.at)))%\" y1=\"0\" x2=\"\(n(axis.share($0.at)))%\" y2=\"100%\"/>"
    }
    return """
      <div class="strip"><span>\(HTMLExporter.escaped(strip.label))</span>\
      <svg class="\(chart.isShaded ? "shaded" : "columned")">\((cells + lines).joined())</svg>\
      <span class="figure">\(Figure.count(strip.cells.reduce(0, +)))</span></div>
      """
  }

  /// From 0.15 for one to 1 for the most.
  private static func weight(of count: UInt64, most: UInt64) -> Double {
    most <= 1 ? 1 : 0.15 + 0.85 * log10(Double(count)) / log10(Double(most))
  }

  private static func places(_ chart: StripChart) -> String {
    guard !chart.places.isEmpty else { return "" }
    let items = chart.places.map {
      "<li>\(HTMLExporter.escaped($0.name)) <small>at \(Figure.number($0.at))</small></li>"
    }
    return "<p>The lines, from left to right:</p>\n<ol class=\"places\">\(items.joined())</ol>\n"
  }

  private static func n(_ x: Double) -> String { Figure.coordinate(x) }
  private static func n2(_ x: Double) -> String { String(format: "%.2f", x) }
}
