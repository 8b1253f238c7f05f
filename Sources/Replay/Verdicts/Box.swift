import SeededRandom

/// Points strewn over the box of all brackets, structures of the world among them: in how many of them something holds.
///
/// Each point has one value a cost for every strategy, so that what strategies share moves them together. Figures follow from
/// the seed alone, and are the same on every machine.
struct Box {
  /// Points.
  static let points = 10_000
  /// The seed they come from.
  static let seed: UInt64 = 15

  let structures: [Structure]
  /// Which structure of the world each point has.
  let chosen: [Int]
  /// Where between two ends of anything else each point is, from 0 to 1.
  let beside: [Double]
  /// A value of each cost, in the order of ``CostParameter``: point after point.
  private let costs: [Double]

  init(_ structures: [Structure], points count: Int = Box.points, seed: UInt64 = Box.seed) {
    self.structures = structures
    var random = SplitMix64(seed: seed)
    func unit() -> Double { Double(random.next() >> 11) * 0x1p-53 }
    let brackets = structures.map { structure in structure.profile.parameters.map(\.bracket) }
    var (chosen, costs, beside): ([Int], [Double], [Double]) = ([], [], [])
    chosen.reserveCapacity(count)
    costs.reserveCapacity(count * CostParameter.allCases.count)
    precondition(brackets.allSatisfy { $0.count == CostParameter.allCases.count }, "a profile without every cost")
    beside.reserveCapacity(count)
    for _ in 0..<count {
      let structure = min(Int(unit() * Double(structures.count)), structures.count - 1)
      chosen.append(structure)
      for bracket in brackets[structure] { costs.append(bracket.low + unit() * (bracket.high - bracket.low)) }
      beside.append(unit())
    }
    (self.chosen, self.costs, self.beside) = (chosen, costs, beside)
  }

  /// The costs at a point.
  func costs(at point: Int) -> ArraySlice<Double> {
    let each = CostParameter.allCases.count
    return costs[point * each..<(point + 1) * each]
  }

  /// The prices at every point.
  func values(of price: StrategyPrice) -> [Double] {
    let terms = structures.map { price.form(in: $0).terms }
    let each = CostParameter.allCases.count
    return chosen.indices.map { point in
      terms[chosen[point]].reduce(0) { $0 + $1.times * costs[point * each + $1.cost] }
    }
  }

  /// The share of the points at which something holds.
  func share(where holds: (Int) -> Bool) -> Double {
    chosen.isEmpty ? 0 : Double(chosen.indices.count(where: holds)) / Double(chosen.count)
  }
}
