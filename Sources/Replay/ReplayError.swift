/// Why a run could not be done: one sentence with place, finding, expectation and remedy.
public struct ReplayError: Error, CustomStringConvertible, Equatable {
  /// The sentence.
  public let description: String

  /// An error from its sentence.
  public init(_ description: String) { self.description = description }
}
