import Addresses

extension MonitorTree {
  /// The finding where the fast path ends: tree pages, pages with several owners, and corrupt nodes.
  @usableFromInline @inline(never)
  func finding(of walk: Walk, page: GuestPageNumber, base: NodeReference) -> Finding {
    switch walk.end {
    case .outside: return Finding(.notMine, nodesVisited: walk.nodesVisited)
    case .mismatch: return corrupt(walk, page: page, base: base)
    case .node:
      guard confirms(walk, page: page) else { return corrupt(walk, page: page, base: base) }
      let role: TreePage.Role = walk.parent.isNull ? .base : walk.reference.level == 0 ? .leaf : .interior
      let treePage = TreePage(page: page, role: role, actions: walk.reference.actions)
      return Finding(.treePage(treePage), nodesVisited: walk.nodesVisited)
    case .statement:
      let claim = Claim(word: walk.word)
      guard claim.region != .tree || claim.ordinal != 0 else {
        let treePage = TreePage(page: page, role: .slab, actions: claim.actions)
        return Finding(.treePage(treePage), nodesVisited: walk.nodesVisited)
      }
      var actions: AlertActions = []
      var lowest = claim.region
      let complete = forEachClaim(of: walk) {
        actions.formUnion($0.actions)
        lowest = min(lowest, $0.region)
      }
      guard complete else { return corrupt(walk, page: page, base: base) }
      let segment = Segment(
        start: walk.key, length: claim.pages, actions: actions, owners: claim.ordinal + 1, region: lowest)
      return Finding(.protected(segment), nodesVisited: walk.nodesVisited)
    }
  }

  /// Whether the parent's entry that led to a node page is a true statement; the base needs none.
  private func confirms(_ walk: Walk, page: GuestPageNumber) -> Bool {
    guard !walk.parent.isNull else { return true }
    guard walk.reference.level == walk.parent.level - 1 else { return false }
    let node = NodeView(memory.node(at: walk.parent.page))
    return Self.holds(
      keys: node.keys(at: walk.position), word: walk.reference.rawValue, check: node.check(at: walk.position),
      in: walk.parent, for: UInt32(truncatingIfNeeded: page.rawValue))
  }

  /// Calls `body` with each claim on the pages of a statement, last first; false if one of them is not as written.
  func forEachClaim(of walk: Walk, _ body: (Claim) -> Void) -> Bool {
    let last = Claim(word: walk.word)
    body(last)
    guard last.ordinal > 0 else { return true }
    guard last.ordinal <= walk.position else { return false }
    let node = NodeView(memory.node(at: walk.reference.page))
    for step in 1...last.ordinal {
      let position = walk.position - step
      let keys = node.keys(at: position)
      let word = node.word(at: position)
      // Claims before the last have an empty statement of their own: their key is also the next key.
      let claim = Claim(word: word)
      guard keys == UInt64(walk.key) << 32 | UInt64(walk.key), claim.ordinal == last.ordinal - step,
        claim.pages == last.pages,
        node.check(at: position) == NodeLayout.check(keys: keys, word: word, seed: walk.reference.seed)
      else { return false }
      body(claim)
    }
    return true
  }

  /// Names the topmost node on the way to the page that is not as its writer left it.
  private func corrupt(_ walk: Walk, page: GuestPageNumber, base: NodeReference) -> Finding {
    let sought = UInt32(truncatingIfNeeded: page.rawValue)
    var reference = base
    for _ in 0..<base.level where reference.page < memory.pageCount {
      let node = NodeView(memory.node(at: reference.page))
      let position = node.position(of: sought)
      guard position >= 0, position < NodeLayout.capacity else { break }
      let word = node.word(at: position)
      guard
        Self.holds(
          keys: node.keys(at: position), word: word, check: node.check(at: position), in: reference, for: sought)
      else { break }
      reference = NodeReference(rawValue: word)
    }
    return Finding(.corrupt(reference.pageNumber), nodesVisited: walk.nodesVisited)
  }
}
