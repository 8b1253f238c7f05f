/// A figure with the range that unsourced costs leave it.
public struct Bracket: Equatable, Codable, Sendable {
  /// The least the brackets of all parameters allow.
  public var low: Double
  /// At the parameters' own values.
  public var value: Double
  /// The greatest the brackets of all parameters allow.
  public var high: Double

  /// A figure and its range.
  public init(low: Double, value: Double, high: Double) {
    self.low = low
    self.value = value
    self.high = high
  }
}
