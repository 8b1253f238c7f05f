import Foundation
import Measuring

/// A plot as an SVG of its own: the same on light and dark paper, curves told apart by dashes and labels as by tones, the
/// figures as text for screen readers.
struct SVGLines {
  private let plot: Plot
  private let x: LogarithmicAxis
  private let y: LogarithmicAxis
  private let size = (width: 800.0, height: 440.0)
  private let frame = (left: 62.0, right: 600.0, top: 64.0, bottom: 392.0)
  /// Mid-tones: at least 3:1 against white and against near-black.
  private let tones = ["#2f81d0", "#c8641c", "#2e9355", "#a861c9", "#c74a5d", "#87801f", "#4b9297", "#7d7d7d"]
  private let dashes = ["none", "7 3", "2 3", "9 3 2 3"]

  init(_ plot: Plot) {
    self.plot = plot
    let points = plot.curves.flatMap(\.points)
    x = LogarithmicAxis(.sizes, points.map(\.x), over: frame.left...frame.right)
    y = LogarithmicAxis(.costs, points.map(\.y), over: frame.top...frame.bottom)
  }

  var text: String {
    let spoken = plot.curves.map { curve in
      "\(curve.label): " + curve.points.map { "\(Self.number($0.y)) at \(Self.number($0.x))" }.joined(separator: ", ")
    }
    return """
      <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(n(size.width)) \(n(size.height))" role="img" \
      aria-label="\(escaped(plot.title + ". " + spoken.joined(separator: "; ")))">
      <style>
      text { fill: #808890; font: 12px system-ui, sans-serif; } .title { font-size: 15px; font-weight: 600; }
      .grid { stroke: #808890; stroke-opacity: .3; } .mark { stroke: #808890; stroke-dasharray: 1 3; }
      .curve { fill: none; stroke-width: 2; }
      </style>
      <text class="title" x="\(n(frame.left))" y="20">\(escaped(plot.title))</text>
      \((grid + marks + plot.curves.indices.map(curve)).joined(separator: "\n"))
      <text x="\(n((frame.left + frame.right) / 2))" y="\(n(size.height - 12))" text-anchor="middle">\(escaped(plot.xTitle))</text>
      <text transform="translate(14 \(n((frame.top + frame.bottom) / 2))) rotate(-90)" text-anchor="middle">\(escaped(plot.yTitle))</text>
      </svg>

      """
  }

  private var grid: [String] {
    let vertical = x.ticks.map { tick in
      line("grid", x[tick], frame.top, x[tick], frame.bottom)
        + label(Self.number(tick), x[tick], frame.bottom + 17, anchor: "middle")
    }
    let horizontal = y.ticks.map { tick in
      line("grid", frame.left, y[tick], frame.right, y[tick])
        + label(Self.number(tick), frame.left - 7, y[tick] + 4, anchor: "end")
    }
    return vertical + horizontal
  }

  /// Two rows of labels, so that neighbours do not overlap.
  private var marks: [String] {
    plot.marks.filter { x.holds($0.x) }.sorted { $0.x < $1.x }.enumerated().map { number, mark in
      let height = frame.top - (number % 2 == 0 ? 7 : 21)
      return line("mark", x[mark.x], height + 3, x[mark.x], frame.bottom)
        + label(mark.label, x[mark.x], height, anchor: "middle")
    }
  }

  private func curve(_ index: Int) -> String {
    let curve = plot.curves[index]
    let tone = tones[index % tones.count]
    let path = curve.points.map { "\(n(x[$0.x])),\(n(y[$0.y]))" }.joined(separator: " ")
    let dots = curve.points.map {
      "<circle cx=\"\(n(x[$0.x]))\" cy=\"\(n(y[$0.y]))\" r=\"3\" fill=\"\(tone)\"/>"
    }.joined()
    guard let last = curve.points.last else { return "" }
    let name = label(curve.label, frame.right + 22, labelHeights[index] + 4, anchor: "start", tone: tone)
    let lead =
      "<path d=\"M\(n(x[last.x] + 5)) \(n(y[last.y]))L\(n(frame.right + 19)) \(n(labelHeights[index]))\" stroke=\"\(tone)\" "
      + "stroke-opacity=\".4\"/>"
    return """
      <polyline class="curve" stroke="\(tone)" stroke-dasharray="\(dashes[index % dashes.count])" points="\(path)"/>
      \(dots)\(lead)\(name)
      """
  }

  /// Where the curves' labels stand: at their ends, moved apart.
  private var labelHeights: [Double] {
    let ends = plot.curves.map { $0.points.last.map { y[$0.y] } ?? frame.bottom }
    var heights = ends
    var free = frame.top
    for index in ends.indices.sorted(by: { ends[$0] < ends[$1] }) {
      heights[index] = max(ends[index], free)
      free = heights[index] + 16
    }
    return heights
  }

  private func line(_ kind: String, _ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double) -> String {
    "<line class=\"\(kind)\" x1=\"\(n(x1))\" y1=\"\(n(y1))\" x2=\"\(n(x2))\" y2=\"\(n(y2))\"/>"
  }

  private func label(_ text: String, _ x: Double, _ y: Double, anchor: String, tone: String? = nil) -> String {
    let style = tone.map { " style=\"fill: \($0)\"" } ?? ""
    return "<text x=\"\(n(x))\" y=\"\(n(y))\" text-anchor=\"\(anchor)\"\(style)>\(escaped(text))</text>"
  }

  private func escaped(_ text: String) -> String {
    text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing("\"", with: "&quot;")
  }

  private func n(_ value: Double) -> String { value.fixed(1) }

  /// A figure with three digits at most: `0.25`, `48`, `1.2 M`.
  static func number(_ value: Double) -> String {
    let (scaled, suffix) =
      switch value {
      case 1e9...: (value / 1e9, " G")
      case 1e6...: (value / 1e6, " M")
      case 1e3...: (value / 1e3, " k")
      default: (value, "")
      }
    return String(format: "%.3g", scaled) + suffix
  }
}

/// Where positive figures stand on a logarithmic axis.
struct LogarithmicAxis {
  enum Kind {
    /// From left to right, from the least to the greatest; a few are named one by one.
    case sizes
    /// Upwards, with room above and below, over at least a decade, so that what is flat looks so.
    case costs
  }

  private let kind: Kind
  private let low: Double
  private let high: Double
  private let span: ClosedRange<Double>
  /// Figures to be named: decades, and their 2 and 5 where there is room.
  let ticks: [Double]

  init(_ kind: Kind, _ figures: [Double], over span: ClosedRange<Double>) {
    let (least, greatest) = (figures.min() ?? 1, figures.max() ?? 1)
    let room = kind == .sizes ? 1 : max(1.3, (10 * least / greatest).squareRoot())
    let (low, high) = (least / room, greatest * room)
    let steps: [Double] = high / low < 300 ? [1, 2, 5] : [1]
    let decades = Int(log10(low).rounded(.down))...Int(log10(high).rounded(.up))
    let regular = decades.flatMap { decade in steps.map { $0 * pow(10, Double(decade)) } }
    let own = Set(figures).sorted()
    ticks = (kind == .sizes && own.count <= 8 ? own : regular).filter { $0 >= low && $0 <= high }
    (self.kind, self.low, self.high, self.span) = (kind, low, high, span)
  }

  func holds(_ figure: Double) -> Bool { figure >= low && figure <= high }

  subscript(_ figure: Double) -> Double {
    let share = log(figure / low) / log(high / low)
    return span.lowerBound + (kind == .costs ? 1 - share : share) * (span.upperBound - span.lowerBound)
  }
}
