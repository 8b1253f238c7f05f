import Replay

/// Histograms as bars that flow with the page.
enum HTMLHistogram {
  static func figure(of chart: HistogramChart) -> String {
    let most = chart.ranges.map(\.count).max() ?? 0
    guard most > 0 else { return "" }
    let rows = chart.ranges.map { range in
      let width = Figure.coordinate(Double(range.count) / Double(most) * 100)
      return """
        <div class="bar"><span>\(Figure.binary(range.low)) to \(Figure.binary(range.high))</span>\
        <span class="track"><span class="stack"><b class="part0" style="width:\(width)%"></b></span></span>\
        <span class="figure">\(Figure.count(range.count))</span></div>
        """
    }
    return """
      <figure class="bars" role="img" aria-label="\(HTMLExporter.escaped(chart.title)), at most \(most) in a range">
      <figcaption>\(HTMLExporter.escaped(chart.title))</figcaption>
      \(rows.joined(separator: "\n"))
      </figure>
      """
  }
}
