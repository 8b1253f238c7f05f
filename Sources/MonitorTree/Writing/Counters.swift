/// How large a tree is, and how many pages it has left.
public struct TreeCounters: Hashable, Sendable {
  /// Nodes in the tree.
  public let nodes: Int
  /// Levels of nodes; 0 without a tree.
  public let depth: Int
  /// Donated pages, in pages of 4 KiB.
  public let slabPages: UInt64
  /// Donated pages that can hold a node at once.
  public let freePages: Int
  /// Donated pages that wait for readers to pass.
  public let retiredPages: Int
}

extension TreeWriter {
  /// The counters as they are now.
  public var counters: TreeCounters {
    let reference = base.reference
    return TreeCounters(
      nodes: nodeCount, depth: reference.isNull ? 0 : reference.level + 1, slabPages: slabPages,
      freePages: pool.free.count, retiredPages: pool.retiredCount)
  }
}
