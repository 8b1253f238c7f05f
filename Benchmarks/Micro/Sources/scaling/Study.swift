import Foundation
import Measuring

/// One figure: what was measured, on which curve, at which size.
struct Figure {
  /// What varied: `writes`, `vcpus`, `strategies`, `bytes`, `ranges`.
  let varied: String
  /// How much of it.
  let size: Double
  /// The workload, or what was compared.
  let curve: String
  /// What was measured or counted, with its unit.
  let quantity: String
  let value: Double
}

/// All figures of one run, in the order they were measured.
struct Study {
  private(set) var figures: [Figure] = []

  mutating func add(_ varied: String, _ size: Int, _ curve: String, _ quantity: String, _ value: Double) {
    let figure = Figure(varied: varied, size: Double(size), curve: curve, quantity: quantity, value: value)
    figures.append(figure)
    print("\(varied) \(size)\t\(curve)\t\(quantity)\t\(value.fixed(3))")
  }

  /// The curves of one quantity, each under its name, in the order they were measured.
  func curves(_ varied: String, _ quantity: String, named name: (String) -> String = { $0 }) -> [Plot.Curve] {
    var curves: [Plot.Curve] = []
    for figure in figures where figure.varied == varied && figure.quantity == quantity {
      let label = name(figure.curve)
      if !curves.contains(where: { $0.label == label }) { curves.append(Plot.Curve(label: label)) }
      guard let index = curves.firstIndex(where: { $0.label == label }) else { continue }
      curves[index].points.append(Plot.Point(x: figure.size, y: figure.value))
    }
    return curves
  }

  var csv: String {
    let host = "# \(HostProcessor.name), \(HostProcessor.caches.map(\.text).joined(separator: ", "))"
    let rows = figures.map { "\($0.varied),\($0.size.fixed(0)),\($0.curve),\($0.quantity),\($0.value.fixed(4))" }
    return ([host, "varied,size,curve,quantity,value"] + rows).joined(separator: "\n") + "\n"
  }
}
