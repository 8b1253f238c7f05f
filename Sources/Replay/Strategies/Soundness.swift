/// Whether a strategy keeps its promise, and why.
public struct Soundness: Codable, Equatable, Sendable {
  /// True when no store to a monitored page can go unnoticed, or be noticed only after its effect.
  public var value: Bool
  /// The reason, one sentence.
  public var reason: String

  /// What no strategy can promise, wherever one is called sound.
  public static let exception =
    "Sound is said of stores to what is protected: where page tables are not, a guest can map something else in its place, "
    + "which no strategy notices (attack A14)."

  /// A verdict and its reason.
  public init(value: Bool, reason: String) {
    self.value = value
    self.reason = reason
  }
}
