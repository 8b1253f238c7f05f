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
