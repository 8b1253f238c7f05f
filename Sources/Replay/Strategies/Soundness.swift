/// Whether a strategy keeps its promise, and why.
public struct Soundness: Codable, Equatable, Sendable {
  /// True when no store to a monitored page can go unnoticed, or be noticed only after its effect.
  public var value: Bool
  /// The reason, one sentence.
  public var reason: String

  /// A verdict and its reason.
  public init(value: Bool, reason: String) {
    self.value = value
    self.reason = reason
  }
}
