import Replay

/// Bar charts as HTML that flows with the page, so that labels have the size of text on any screen: a dot at the value, a bar over
/// the low-high bracket.
enum HTMLBars {
  static func figure(of chart: BarChart) -> String {
    guard !chart.bars.isEmpty else { return "" }
    let reference = chart.reference.map { Bracket(low: $0, value: $0, high: $0) }
    let axis = Axis(chart.bars.map(\.bracket) + [reference].compactMap(\.self))
    let spoken = chart.bars.map { "\($0.label): \(figures($0.bracket, chart.unit))" }.joined(separator: "; ")
    let rows = chart.bars.map { row($0, chart, axis) }
    let ticks = axis.ticks.map { "<small style=\"left:\(n($0.share))%\">\($0.words)</small>" }
    let unit = chart.unit.isEmpty ? "" : ", in \(chart.unit)"
    return """
      <figure class="bars" role="img" aria-label="\(HTMLExporter.escaped(spoken))">
      <figcaption>\(HTMLExporter.escaped(chart.title + unit))\(axis.isLogarithmic ? ", by powers of ten" : ""). Dots are the \
      values, bars span low to high\(chart.reference.map { "; the line is at \(Figure.number($0))" } ?? "").</figcaption>
      \(rows.joined(separator: "\n"))
      <div class="bar"><span></span><span class="scale">\(ticks.joined())</span><span></span></div>
      </figure>
      """
  }

  private static func row(_ bar: BarChart.Bar, _ chart: BarChart, _ axis: Axis) -> String {
    let (low, value, high) = (axis.share(bar.bracket.low), axis.share(bar.bracket.value), axis.share(bar.bracket.high))
    let grid = axis.ticks.map { "<i style=\"left:\(n($0.share))%\"></i>" }.joined()
    let reference = chart.reference.map { "<i class=\"held\" style=\"left:\(n(axis.share($0)))%\"></i>" } ?? ""
    let tone = bar.tone == .plain ? "" : " \(bar.tone.rawValue)"
    return """
      <div class="bar" title="\(HTMLExporter.escaped("\(bar.label): \(figures(bar.bracket, chart.unit))"))">\
      <span>\(HTMLExporter.escaped(bar.label))</span>\
      <span class="track">\(grid)\(reference)<b style="left:\(n(low))%;width:\(n(high - low))%"></b>\
      <em style="left:\(n(value))%"></em></span>\
      <span class="figure\(tone)">\(word(bar.bracket.value, chart))</span></div>
      """
  }

  private static func word(_ value: Double, _ chart: BarChart) -> String {
    chart.reference == nil ? Figure.number(value) : Figure.ratio(value)
  }

  private static func figures(_ bracket: Bracket, _ unit: String) -> String {
    "\(Figure.number(bracket.value))\(unit.isEmpty ? "" : " \(unit)"), \(Figure.range(bracket))"
  }

  private static func n(_ x: Double) -> String { Figure.coordinate(x) }
}
