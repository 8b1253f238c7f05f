import ArgumentParser
import Replay

/// Costs as somebody wants them, `NAME=CYCLES` one behind the other with commas between.
struct FixedCosts: ExpressibleByArgument {
  var costs: [(name: CostParameter, cycles: Double)] = []

  init?(argument: String) {
    for part in argument.split(separator: ",", omittingEmptySubsequences: false) {
      let sides = part.split(separator: "=", omittingEmptySubsequences: false)
      guard sides.count == 2, let name = CostParameter(rawValue: String(sides[0])), let cycles = Double(sides[1]),
        (0...1e9).contains(cycles)
      else { return nil }
      costs.append((name, cycles))
    }
  }

  var defaultValueDescription: String { "" }
}
