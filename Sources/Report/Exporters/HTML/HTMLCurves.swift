import Foundation
import Replay

/// Percentile curves, a small plot for each subject on the axes of all: the line is the value, the band its bracket. Curves differ by
/// their dashes as well as by colour.
enum HTMLCurves {
  /// The percentiles that the horizontal axis names; it goes by powers of ten of what is beyond them, and ends in the greatest.
  private static let named: [(share: Double, words: String)] = [
    (0.5, "50"), (0.9, "90"), (0.99, "99"), (0.999, "99.9"), (1, "max"),
  ]
  /// Powers of ten that it goes through: the greatest lies at its end, whatever it is of.
  private static let powers = 4.0

  static func figure(of chart: CurveChart) -> String {
    let plots = chart.plots.filter { plot in plot.curves.contains { !$0.points.isEmpty } }
    guard !plots.isEmpty else { return "" }
    let points = plots.flatMap { $0.curves.flatMap(\.points) }
    let axis = Axis(logarithmic: points.flatMap { [$0.cycles.low, $0.cycles.value, $0.cycles.high] })
    var names: [String] = []
    for curve in plots.flatMap(\.curves) where !names.contains(curve.name) { names.append(curve.name) }
    let legend = names.enumerated().map { index, name in
      "<span><svg class=\"key\"><line class=\"curve\(index % 3)\" x1=\"0\" y1=\"50%\" x2=\"100%\" y2=\"50%\"/></svg>"
        + "\(HTMLExporter.escaped(name))</span>"
    }
    return """
      <figure>
      <figcaption>\(HTMLExporter.escaped(chart.title)): \(HTMLExporter.escaped(chart.unit)), by powers of ten, over the \
      percentile. Lines are the values, bands span low to high.</figcaption>
      <div class="legend">\(legend.joined())</div>
      <div class="plots">
      \(plots.map { plot($0, axis, names) }.joined(separator: "\n"))
      </div>
      </figure>
      """
  }

  private static func plot(_ plot: CurveChart.Plot, _ axis: Axis, _ names: [String]) -> String {
    let marks = plot.curves.filter { !$0.points.isEmpty }.flatMap { curve -> [String] in
      let index = names.firstIndex(of: curve.name) ?? 0
      func line(_ path: KeyPath<Bracket, Double>) -> [String] {
        curve.points.map { "\(n(x($0.share))),\(n(100 - axis.share($0.cycles[keyPath: path])))" }
      }
      let band = line(\.low) + line(\.high).reversed()
      return [
        "<polygon class=\"band\(index % 3)\" points=\"\(band.joined(separator: " "))\"/>",
        "<polyline class=\"curve\(index % 3)\" points=\"\(line(\.value).joined(separator: " "))\"/>",
      ]
    }
    let spoken = plot.curves.compactMap { curve -> String? in
      guard let middle = curve.points.first(where: { $0.share >= 0.5 }), let last = curve.points.last else {
        return nil
      }
      return "\(curve.name) p50 \(Figure.number(middle.cycles.value)), max \(Figure.number(last.cycles.value))"
    }
    let frame = PlotFrame(
      x: named.map { Axis.Tick(share: x($0.share), words: $0.words) }, y: axis.ticks,
      spoken: "\(plot.label): \(spoken.joined(separator: "; "))")
    let stretched =
      "<svg viewBox=\"0 0 100 100\" preserveAspectRatio=\"none\" width=\"100%\" height=\"100%\">"
      + marks.joined(separator: "\n") + "</svg>"
    return "<div><h3>\(HTMLExporter.escaped(plot.label))</h3>\n\(frame.html(around: [stretched]))</div>"
  }

  /// Where a percentile lies, in per cent of the axis.
  private static func x(_ share: Double) -> Double {
    share >= 1 ? 100 : min(-log10(1 - share) / powers, 0.98) * 100
  }

  private static func n(_ x: Double) -> String { Figure.coordinate(x) }
}
