/// What a log of another tool is asked before it can be replayed: nothing in it says what to protect.
public struct ProtectionQuestion: Error, CustomStringConvertible {
  /// The question, with a policy that would answer it.
  public let description: String
}
