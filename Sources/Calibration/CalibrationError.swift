/// Why a measurement cannot be used: one sentence with place, finding, expectation and remedy.
public struct CalibrationError: Error, CustomStringConvertible, Equatable {
  /// The sentence.
  public let description: String

  init(_ description: String) { self.description = description }
}
