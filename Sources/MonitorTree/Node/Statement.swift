/// An entry as a reader loads it: what it says, and the check code that it was said by the node's writer.
struct Statement {
  /// The entry's key in bits 31:0, the next key in bits 63:32.
  let keys: UInt64
  let word: UInt64
  let check: UInt32

  init(keys: UInt64, word: UInt64, check: UInt32) {
    self.keys = keys
    self.word = word
    self.check = check
  }

  var key: UInt32 { UInt32(truncatingIfNeeded: keys) }
  var next: UInt32 { UInt32(truncatingIfNeeded: keys >> 32) }
  var claim: Claim { Claim(word: word) }
  var child: NodeReference { NodeReference(rawValue: word) }

  /// Whether the writer of the node that `reference` refers to made this statement.
  func holds(in reference: NodeReference) -> Bool {
    check == NodeLayout.check(keys: keys, word: word, seed: reference.seed)
  }

  /// Whether it made this statement, and about the page sought.
  func holds(in reference: NodeReference, about sought: UInt32) -> Bool {
    sought &- key < next &- key && holds(in: reference)
  }
}
