/// One entry of a node in the writer's hands: key and word (a ``Claim`` or a ``NodeReference``).
struct Entry: Equatable {
  var key: UInt32
  var word: UInt64

  var claim: Claim { Claim(word: word) }
  var reference: NodeReference { NodeReference(rawValue: word) }
}
