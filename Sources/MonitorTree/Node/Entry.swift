/// One entry of a leaf in the writer's hands.
struct Entry: Equatable {
  var key: UInt32
  var claim: Claim
}

/// One entry of an interior node in the writer's hands.
struct Child: Equatable {
  /// The first page the child describes.
  var key: UInt32
  var reference: NodeReference
  /// The first keys of the child's blocks 1 ... 15, if it is a leaf.
  var blockKeys = SIMD16<UInt32>(repeating: 0)
}
