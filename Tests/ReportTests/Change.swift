import Testing

/// A change to a result and what must be said of it.
struct Change<Value>: Sendable, CustomTestStringConvertible {
  let expectation: String
  let apply: @Sendable (inout Value) -> Void

  init(_ expectation: String, _ apply: @escaping @Sendable (inout Value) -> Void) {
    self.expectation = expectation
    self.apply = apply
  }

  var testDescription: String { expectation }
}
