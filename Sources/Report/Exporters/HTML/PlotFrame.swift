import Replay

/// A field with an axis on two sides. Words are text of the page, which has its size on any screen; only marks are drawn.
struct PlotFrame {
  /// Places on the horizontal axis, in per cent from the left.
  var x: [Axis.Tick]
  /// Places on the vertical axis, in per cent from the bottom.
  var y: [Axis.Tick]
  /// What the horizontal axis counts; empty where a caption says it.
  var name = ""
  /// What is said of the picture instead of it.
  var spoken: String

  /// The field around marks, whose places are per cent from the left and from the top.
  func html(around marks: [String]) -> String {
    let grid =
      x.map { "<line class=\"grid\" x1=\"\(n($0.share))%\" y1=\"0\" x2=\"\(n($0.share))%\" y2=\"100%\"/>" }
      + y.map {
        "<line class=\"grid\" x1=\"0\" y1=\"\(n(100 - $0.share))%\" x2=\"100%\" y2=\"\(n(100 - $0.share))%\"/>"
      }
    let rows = y.map { "<small style=\"top:\(n(100 - $0.share))%\">\(HTMLExporter.escaped($0.words))</small>" }
    let columns = x.map { "<small style=\"left:\(n($0.share))%\">\(HTMLExporter.escaped($0.words))</small>" }
    return """
      <div class="plot" role="img" aria-label="\(HTMLExporter.escaped(spoken))">
      <div class="rows">\(rows.joined())</div>
      <svg>\((grid + marks).joined(separator: "\n"))</svg>
      <div class="columns">\(columns.joined())</div>
      \(name.isEmpty ? "" : "<div class=\"name\">\(HTMLExporter.escaped(name))</div>")</div>
      """
  }

  private func n(_ x: Double) -> String { Figure.coordinate(x) }
}
