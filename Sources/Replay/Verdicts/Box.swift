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

  /// One point.
  struct Point {
    /// Which structure of the world.
    var structure: Int
    /// A value of each cost, in the order of ``CostParameter``.
    var costs: [Double]
    /// Where between two ends of anything else, from 0 to 1.
    var beside: Double
  }

  let structures: [Structure]
  let points: [Point]

  init(_ structures: [Structure], points count: Int = Box.points, seed: UInt64 = Box.seed) {
    self.structures = structures
    var random = SplitMix64(seed: seed)
    func unit() -> Double { Double(random.next() >> 11) * 0x1p-53 }
    let brackets = structures.map { structure in structure.profile.parameters.map(\.bracket) }
    points = (0..<count).map { _ in
      let structure = min(Int(unit() * Double(structures.count)), structures.count - 1)
      let costs = brackets[structure].map { $0.low + unit() * ($0.high - $0.low) }
      return Point(structure: structure, costs: costs, beside: unit())
    }
  }

  /// The prices at every point.
  func values(of price: StrategyPrice) -> [Double] {
    let forms = structures.map(price.form)
    return points.map { forms[$0.structure].value(at: $0.costs) }
  }

  /// The share of the points at which something holds.
  func share(where holds: (Int) -> Bool) -> Double {
    points.isEmpty ? 0 : Double(points.indices.count(where: holds)) / Double(points.count)
  }
}
