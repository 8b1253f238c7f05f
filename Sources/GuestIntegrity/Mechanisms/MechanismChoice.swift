/// One of the three choices that a ``Mechanism`` is made of.
public protocol MechanismChoice: Sendable {
  /// A name of its own, with any parameter it has: two choices of one name are taken to be the same.
  var name: String { get }
  /// What it does, one sentence.
  var meaning: String { get }
}
