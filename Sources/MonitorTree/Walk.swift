import Addresses

/// How a walk from the base pointer towards a page ended, and where.
@frozen @usableFromInline
struct Walk {
  @frozen @usableFromInline
  enum End {
    /// No tree, or no such page in guest memory.
    case outside
    /// The page sought is itself the node the walk was about to read; `reference` is that node, `parent` the one before.
    case node
    /// The leaf `reference` has a true statement about the page.
    case statement
    /// The node `reference` has no true statement about the page.
    case mismatch
  }

  @usableFromInline var end: End
  @usableFromInline var nodesVisited: Int
  /// The node where the walk ended.
  @usableFromInline var reference: NodeReference
  /// The node before it; null at the base.
  @usableFromInline var parent: NodeReference
  /// The position of the last entry used: in the leaf for a statement, in the parent for a node.
  @usableFromInline var position: Int
  /// The statement: its key, the next key, its word.
  @usableFromInline var key: UInt32
  @usableFromInline var next: UInt32
  @usableFromInline var word: UInt64

  @inlinable @inline(__always)
  init(
    _ end: End, _ nodesVisited: Int, _ reference: NodeReference, parent: NodeReference, position: Int, keys: UInt64 = 0,
    word: UInt64 = 0
  ) {
    self.end = end
    self.nodesVisited = nodesVisited
    self.reference = reference
    self.parent = parent
    self.position = position
    self.key = UInt32(truncatingIfNeeded: keys)
    self.next = UInt32(truncatingIfNeeded: keys >> 32)
    self.word = word
  }
}

extension MonitorTree {
  /// Walks from `base` to the leaf that describes `page`, at most one node a level.
  ///
  /// On the way down a reference is only followed, never believed: the leaf's statement is bound by its check code to
  /// the reference that led there, so a walk led astray ends in a mismatch.
  @inlinable @inline(__always)
  func walk(to page: GuestPageNumber, from base: NodeReference) -> Walk {
    let nowhere = NodeReference(rawValue: 0)
    guard page.rawValue < UInt64(memory.pageCount), !base.isNull else {
      return Walk(.outside, 0, base, parent: nowhere, position: 0)
    }
    let sought = UInt32(truncatingIfNeeded: page.rawValue)
    var level = base.level
    var visited = 0
    var reference = base
    var parent = nowhere
    var position = 0
    while true {
      // Identity before content: the number comes from the base pointer or from the node above.
      guard reference.page != sought else {
        return Walk(.node, visited, reference, parent: parent, position: position)
      }
      guard reference.page < memory.pageCount else {
        return Walk(.mismatch, visited, reference, parent: parent, position: position)
      }
      let node = NodeView(memory.node(at: reference.page))
      visited &+= 1
      position = node.position(of: sought)
      guard UInt(bitPattern: position) < UInt(NodeLayout.capacity) else {
        return Walk(.mismatch, visited, reference, parent: parent, position: position)
      }
      let word = node.word(at: position)
      guard level == 0 else {
        level &-= 1
        parent = reference
        reference = NodeReference(rawValue: word)
        continue
      }
      let keys = node.keys(at: position)
      let true_ = Self.holds(keys: keys, word: word, check: node.check(at: position), in: reference, for: sought)
      return Walk(
        true_ ? .statement : .mismatch, visited, reference, parent: parent, position: position, keys: keys, word: word)
    }
  }

  /// Whether an entry is a statement its writer made in the node `reference`, and about the page sought.
  @inlinable @inline(__always)
  static func holds(keys: UInt64, word: UInt64, check: UInt32, in reference: NodeReference, for sought: UInt32) -> Bool
  {
    let key = UInt32(truncatingIfNeeded: keys)
    let next = UInt32(truncatingIfNeeded: keys >> 32)
    return sought &- key < next &- key
      && check == NodeLayout.check(keys: keys, word: word, seed: reference.seed)
  }
}
