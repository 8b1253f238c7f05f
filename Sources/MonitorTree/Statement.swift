/// An entry as a reader loads it: what it says, and the check code that it was said by the node's writer.
@frozen @usableFromInline
struct Statement {
  /// The entry's key in bits 31:0, the next key in bits 63:32.
  @usableFromInline let keys: UInt64
  @usableFromInline let word: UInt64
  @usableFromInline let check: UInt32

  @inlinable @inline(__always)
  init(keys: UInt64, word: UInt64, check: UInt32) {
    self.keys = keys
    self.word = word
    self.check = check
  }

  @inlinable @inline(__always)
  var key: UInt32 { UInt32(truncatingIfNeeded: keys) }
  @inlinable @inline(__always)
  var next: UInt32 { UInt32(truncatingIfNeeded: keys >> 32) }
  @inlinable @inline(__always)
  var claim: Claim { Claim(word: word) }
  @inlinable @inline(__always)
  var child: NodeReference { NodeReference(rawValue: word) }

  /// Whether the writer of the node that `reference` refers to made this statement.
  @inlinable @inline(__always)
  func holds(in reference: NodeReference) -> Bool {
    check == NodeLayout.check(keys: keys, word: word, seed: reference.seed)
  }

  /// Whether it made this statement, and about the page sought.
  @inlinable @inline(__always)
  func holds(in reference: NodeReference, about sought: UInt32) -> Bool {
    sought &- key < next &- key && holds(in: reference)
  }
}
