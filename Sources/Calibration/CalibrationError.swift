/// Why a measurement cannot be used: one sentence with place, finding, expectation and remedy.
package struct CalibrationError: Error, CustomStringConvertible, Equatable {
  /// The sentence.
  package let description: String

  init(_ description: String) { self.description = description }
}
