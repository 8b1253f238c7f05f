/// Whether the order of two strategies holds within the brackets and this model.
public struct PairVerdict: Codable, Equatable, Sendable {
  /// The strategy that costs less at the profile's values.
  public var cheaper: String
  /// The one that costs more.
  public var dearer: String
  /// What is known of the order.
  public var verdict: Verdict
  /// How many costs or structures must move at once to turn the order: 1 where it is undecided; absent where nothing does.
  public var together: Int?
  /// The share of the box of all brackets in which the order holds.
  public var share: Double

  /// What is known of an order.
  public enum Verdict: String, Codable, Sendable {
    /// It holds for every value inside the brackets, in every structure of the world.
    case robust
    /// One cost inside its bracket, or one structure of the world, turns it alone.
    case undecided
    /// None turns it alone; several together do.
    case together
    /// Both cost the same, whatever the costs.
    case same
  }

  enum CodingKeys: String, CodingKey {
    case verdict, together, share
    case cheaper = "a"
    case dearer = "b"
  }
}

extension PairVerdict {
  /// The verdict on a difference of prices, the dearer less the cheaper.
  init(cheaper: String, dearer: String, difference: StrategyPrice, structures: [Structure], share: Double) {
    self.cheaper = cheaper
    self.dearer = dearer
    self.share = share
    if structures.allSatisfy({ difference.form(in: $0) == LinearForm() }) {
      (verdict, together) = (.same, nil)
      return
    }
    together = structures.compactMap { Self.moves(to: difference.form(in: $0), in: $0) }.min().map { max(1, $0) }
    verdict = together == nil ? .robust : together == 1 ? .undecided : .together
  }

  /// How many of a structure's choices and of the costs must move until a difference is not positive; nil if all of them
  /// do not suffice. Costs enter by themselves, so those that gain most come first.
  private static func moves(to difference: LinearForm, in structure: Structure) -> Int? {
    var left = difference.priced(by: structure.profile).value
    guard left > 0 else { return structure.changes }
    let gains = structure.profile.parameters.map { cost in
      let count = difference[cost.name]
      return count > 0 ? count * (cost.value - cost.low) : -count * (cost.high - cost.value)
    }
    for (moved, gain) in gains.sorted(by: >).enumerated() where gain > 0 {
      left -= gain
      if left <= 0 { return structure.changes + moved + 1 }
    }
    return nil
  }
}
