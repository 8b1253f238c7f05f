/// What would change the order of two strategies: each cost that can do so alone, at the value where it does.
///
/// The difference of two overheads is linear in the costs, so these values are exact.
public struct OrderSensitivity: Codable, Equatable, Sendable {
  /// The strategy that costs less at the profile's values.
  public var cheaper: String
  /// The one that costs more.
  public var dearer: String
  /// Cycles by which it costs more.
  public var margin: Bracket
  /// Costs that flip the order while all others stay: first those that can within their bracket, then by how far they must
  /// move, in proportion.
  public var flips: [Flip]

  enum CodingKeys: String, CodingKey {
    case cheaper, dearer, flips
    case margin = "margin_cycles"
  }

  /// A cost that flips the order alone.
  public struct Flip: Codable, Equatable, Sendable {
    /// Which cost.
    public var parameter: CostParameter
    /// Its value and bracket in the profile, in cycles.
    public var low: Double
    /// See ``low``.
    public var value: Double
    /// See ``low``.
    public var high: Double
    /// Where the two strategies cost the same; beyond, the order is the other one.
    public var at: Double
    /// Whether that lies inside the bracket.
    public var inside: Bool
  }

  /// What flips `dearer` below `cheaper`, whose prices differ by `difference` (the dearer less the cheaper).
  init(cheaper: String, dearer: String, difference: LinearForm, costs: [CycleProfile.Parameter]) {
    self.cheaper = cheaper
    self.dearer = dearer
    margin = difference.priced(by: costs)
    flips = []
    for cost in costs where difference[cost.name] != 0 {
      let at = cost.value - margin.value / difference[cost.name]
      guard at >= 0 else { continue }
      flips.append(
        Flip(
          parameter: cost.name, low: cost.low, value: cost.value, high: cost.high, at: at,
          inside: cost.low <= at && at <= cost.high))
    }
    flips.sort { ($0.inside ? 0 : 1, $0.move, $0.parameter.index) < ($1.inside ? 0 : 1, $1.move, $1.parameter.index) }
  }
}

extension OrderSensitivity.Flip {
  /// How far the cost must move, in proportion to its value.
  var move: Double { abs(at - value) / max(value, 1) }
}

extension Pricing {
  /// What would change the order of neighbours in the ranking, of the cheapest and each other strategy, and of the cheapest
  /// sound one and each other sound one.
  func sensitivity(of strategies: [Strategy], _ prices: [LinearForm]) -> [OrderSensitivity] {
    let order = order(of: prices)
    let sound = order.filter { strategies[$0].sound.value }
    var pairs = zip(order, order.dropFirst()).map { [$0, $1] }
    for rival in [order, sound] {
      for dearer in rival.dropFirst() where !pairs.contains([rival[0], dearer]) { pairs.append([rival[0], dearer]) }
    }
    return pairs.map { pair in
      let (cheaper, dearer) = (pair[0], pair[1])
      return OrderSensitivity(
        cheaper: strategies[cheaper].name, dearer: strategies[dearer].name,
        difference: prices[dearer] - prices[cheaper], costs: profile.parameters)
    }
  }
}

extension CacheGeometry {
  /// The sizes that are assumed, at half and at double.
  var variants: [(name: String, geometry: CacheGeometry)] {
    [("half", { ($0 + 1) / 2 }), ("double", { $0 * 2 })].flatMap {
      (size: String, scale: (Int) -> Int) -> [(name: String, geometry: CacheGeometry)] in
      var (structures, lines) = (self, self)
      for path in [\CacheGeometry.pdeCache, \.pdpteCache, \.pml4eCache] {
        structures[keyPath: path] = scale(self[keyPath: path])
      }
      for path in [\WalkLines.l1, \.l2, \.l3] { lines.walkLines[keyPath: path] = scale(walkLines[keyPath: path]) }
      return [
        ("paging-structure caches at \(size)", structures), ("surviving lines of EPT entries at \(size)", lines),
      ]
    }
  }
}

extension Recording {
  /// The replay again with each of the assumed sizes at half and at double.
  func geometrySensitivity(under protection: Protection, request: ReplayRequest) throws -> [OverheadVariant] {
    let structure = request.choices.structures(on: request.profile)[0]
    return try request.profile.geometry.variants.map { name, geometry in
      var varied = request
      varied.profile.geometry = geometry
      varied.countersOnly = true
      let counts = try replay([nil] + request.strategies, under: protection, request: varied).map(\.counts)
      let prices = counts.dropFirst().map {
        StrategyPrice($0, beyond: counts[0], geometry: geometry).form(in: structure)
      }
      return OverheadVariant(name: name, request.strategies, prices, priced: request.profile)
    }
  }
}
