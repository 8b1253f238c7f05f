import Replay

/// Bars made of parts, as HTML that flows with the page.
enum HTMLStacks {
  static func figure(of chart: StackChart) -> String {
    let bars = chart.bars.filter { $0.values.reduce(0, +) > 0 }
    guard !bars.isEmpty else { return "" }
    let totals = bars.map { $0.values.reduce(0, +) }
    let axis = Axis(totals.map { Bracket(low: 0, value: $0, high: $0) })
    let spoken = bars.map { bar in
      "\(bar.label): " + zip(chart.parts, bar.values).map { "\($0) \(Figure.number($1))" }.joined(separator: ", ")
    }
    let legend = chart.parts.enumerated().map { index, part in
      "<span><i class=\"part\(index % 8)\"></i>\(HTMLExporter.escaped(part))</span>"
    }
    let ticks = axis.ticks.map { "<small style=\"left:\(n($0.share))%\">\($0.words)</small>" }
    return """
      <figure class="bars stacks" role="img" aria-label="\(HTMLExporter.escaped(spoken.joined(separator: "; ")))">
      <figcaption>\(HTMLExporter.escaped(chart.title)), in \(HTMLExporter.escaped(chart.unit)); the parts lie in this order:
      </figcaption>
      <div class="legend">\(legend.joined())</div>
      \(zip(bars, totals).map { row($0, total: $1, chart, axis) }.joined(separator: "\n"))
      <div class="bar"><span></span><span class="scale">\(ticks.joined())</span><span></span></div>
      </figure>
      """
  }

  private static func row(_ bar: StackChart.Bar, total: Double, _ chart: StackChart, _ axis: Axis) -> String {
    let parts = bar.values.enumerated().filter { $0.element > 0 }.map { index, value in
      let share = Int((value / total * 100).rounded())
      let words = "\(bar.label), \(chart.parts[index]): \(Figure.number(value)) \(chart.unit), \(share) %"
      return "<b class=\"part\(index % 8)\" style=\"width:\(n(axis.share(value)))%\" "
        + "title=\"\(HTMLExporter.escaped(words))\"></b>"
    }
    let grid = axis.ticks.map { "<i style=\"left:\(n($0.share))%\"></i>" }.joined()
    return """
      <div class="bar"><span>\(HTMLExporter.escaped(bar.label))</span>\
      <span class="track">\(grid)<span class="stack">\(parts.joined())</span></span>\
      <span class="figure">\(Figure.number(total))</span></div>
      """
  }

  private static func n(_ x: Double) -> String { Figure.coordinate(x) }
}
