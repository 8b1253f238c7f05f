/// A figure other than a cost, with its range and where it comes from.
public struct Quantity: Codable, Equatable, Sendable {
  /// Least plausible value.
  public var low: Double
  /// The value used for the headline figure.
  public var value: Double
  /// Greatest plausible value.
  public var high: Double
  /// How well founded the value is.
  public var tag: CycleProfile.Evidence
  /// Where the value comes from, in words.
  public var source: String

  /// A figure from its parts.
  public init(low: Double, value: Double, high: Double, tag: CycleProfile.Evidence, source: String) {
    self.low = low
    self.value = value
    self.high = high
    self.tag = tag
    self.source = source
  }

  /// The figure without its evidence.
  public var bracket: Bracket { Bracket(low: low, value: value, high: high) }
}

extension CycleProfile.Parameter {
  /// The cost without its evidence.
  public var bracket: Bracket { Bracket(low: low, value: value, high: high) }
}
