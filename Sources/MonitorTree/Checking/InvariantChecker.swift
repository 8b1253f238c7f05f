import Addresses

/// Something about a tree that its writer never leaves so.
public enum TreeFlaw: Hashable, Sendable {
  /// A node's bytes are not those of a node at its place: entries, order, counts, check codes, fill, own reference.
  case corruptNode(GuestPageNumber)
  /// Two references lead to the same page.
  case sharedNode(GuestPageNumber)
  /// A node lies on a page that no slab covers.
  case nodeOutsideSlabs(GuestPageNumber)
  /// A segment reaches past guest memory.
  case segmentOutsideMemory(GuestPageNumber)
  /// The base pointer refers to a page outside guest memory, or to a leaf.
  case misplacedBase(GuestPageNumber)
}

extension MonitorTree {
  /// Checks every node and every entry of the tree as it is now: what tests and tools call after a change.
  ///
  /// Reads all nodes, so the caller is a reader that is not quiescent meanwhile.
  /// - Returns: the flaws, in the order met; empty for a sound tree, and where there is none.
  public func check() -> [TreeFlaw] {
    let top = snapshot
    guard !top.isNull else { return [] }
    guard top.level > 0, top.page < memory.pageCount else { return [.misplacedBase(top.pageNumber)] }
    var flaws: [TreeFlaw] = []
    var nodes: Set<UInt32> = []
    var inOrder: [UInt32] = []
    var slabs: [Range<UInt32>] = []
    func enter(_ node: NodeReference) {
      inOrder.append(node.page)
      if !nodes.insert(node.page).inserted { flaws.append(.sharedNode(node.pageNumber)) }
    }
    // The closures throw nothing, and corrupt nodes are told to the third of them.
    try? memory.visit(top) { (node, entries) throws(TreeError) in
      enter(node)
      for entry in entries where entry.claim.pages > 0 {
        let end = entry.key + entry.claim.pages
        if end > memory.pageCount { flaws.append(.segmentOutsideMemory(GuestPageNumber(UInt64(entry.key)))) }
        if entry.claim.isTree { slabs.append(entry.key..<end) }
      }
    } interior: { (node, _) throws(TreeError) in
      enter(node)
    } corrupt: { (node) throws(TreeError) in
      flaws.append(.corruptNode(node))
    }
    for page in inOrder where !slabs.contains(where: { $0.contains(page) }) {
      flaws.append(.nodeOutsideSlabs(GuestPageNumber(UInt64(page))))
    }
    return flaws
  }
}
