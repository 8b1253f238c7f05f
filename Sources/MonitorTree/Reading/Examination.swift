import Addresses

/// Where a walk that believes no node ends.
enum Place {
  /// No tree, or no such page in guest memory.
  case outside
  /// The page sought is this node, `depth` levels below the base.
  case node(NodeReference, depth: Int)
  /// The leaf says this about the page, in this block, at this position.
  case statement(Statement, leaf: NodeReference, block: BlockView, position: Int)
  /// The node on this page does not lead to what its writer said about the page sought.
  case corrupt(UInt32)
}

extension MonitorTree {
  /// Walks from `base` towards `page`, checks every entry on the way, and counts the nodes it reads; `waiting` is told the
  /// line of each that the look-up waits for.
  func place(
    of page: GuestPageNumber, from base: NodeReference, nodesVisited: inout Int,
    waiting: (MemoryLine) -> Void = { _ in }
  ) -> Place {
    guard page.rawValue < UInt64(memory.pageCount), !base.isNull else { return .outside }
    let sought = UInt32(truncatingIfNeeded: page.rawValue)
    let probe = KeyProbe(sought)
    guard base.page < memory.pageCount, base.level > 0 else { return .corrupt(base.page) }
    var reference = base
    for level in stride(from: base.level, to: 0, by: -1) {
      guard reference.page != sought else { return .node(reference, depth: base.level - level) }
      let node = InteriorView(memory.node(at: reference.page))
      nodesVisited += 1
      waiting(MemoryLine(page: reference.page, offset: 0))
      let position = node.position(of: probe)
      let statement = node.statement(at: position)
      let child = statement.child
      guard position >= 0, statement.holds(in: reference, about: sought), child.page < memory.pageCount,
        child.level == level - 1
      else { return .corrupt(reference.page) }
      guard level == 1 else {
        reference = child
        continue
      }
      guard child.page != sought else { return .node(child, depth: base.level) }
      nodesVisited += 1
      let leaf = memory.node(at: child.page)
      let hint = node.block(at: position, of: probe)
      waiting(MemoryLine(page: child.page, offset: hint * NodeLayout.Block.bytes))
      if let found = place(of: probe, sought, in: hint, of: leaf, child) { return found }
      // The hint may be at fault: then another block has the statement, and the node that gave the hint is corrupt.
      let others = (0..<NodeLayout.blocksPerLeaf).filter { $0 != hint }
      let misled = others.contains { place(of: probe, sought, in: $0, of: leaf, child) != nil }
      return .corrupt(misled ? reference.page : child.page)
    }
    return .corrupt(reference.page)
  }

  /// The statement about the page in one block of a leaf, if it holds there.
  private func place(
    of probe: KeyProbe, _ sought: UInt32, in index: Int, of leaf: UnsafeRawPointer, _ reference: NodeReference
  ) -> Place? {
    let block = BlockView(index, of: leaf)
    let position = block.position(of: probe)
    let statement = block.statement(at: position)
    guard (0..<NodeLayout.entriesPerBlock).contains(position), statement.holds(in: reference, about: sought) else {
      return nil
    }
    return .statement(statement, leaf: reference, block: block, position: position)
  }

  /// The answer where `find` leaves its fast path: pages of the tree, pages with several owners, corrupt nodes.
  @usableFromInline @inline(never)
  func examine(_ page: GuestPageNumber, from base: NodeReference) -> Finding {
    var visited = 0
    return finding(about: page, at: place(of: page, from: base, nodesVisited: &visited), nodesVisited: visited)
  }

  /// The finding about a page whose place is known.
  func finding(about page: GuestPageNumber, at place: Place, nodesVisited visited: Int) -> Finding {
    let sought = UInt32(truncatingIfNeeded: page.rawValue)
    switch place {
    case .outside: return Finding(.notMine, nodesVisited: visited)
    case .corrupt(let node): return Finding(.corrupt, start: node, nodesVisited: visited)
    case .node(let reference, let depth):
      let kind: Finding.Kind = depth == 0 ? .base : reference.level == 0 ? .leaf : .interior
      return Finding(kind, start: sought, word: UInt64(reference.actions.rawValue), nodesVisited: visited)
    case .statement(let statement, let leaf, let block, let position):
      let claim = statement.claim
      guard sought - statement.key < claim.pages else {
        return Finding(.notMine, start: statement.key, nodesVisited: visited)
      }
      guard !claim.isTree else {
        return Finding(.slab, start: sought, word: UInt64(claim.actions.rawValue), nodesVisited: visited)
      }
      var actions: AlertActions = []
      var first = claim
      let complete = forEachClaim(of: statement, leaf: leaf, block: block, position: position) {
        actions.formUnion($0.actions)
        first = $0
      }
      guard complete else { return Finding(.corrupt, start: leaf.page, nodesVisited: visited) }
      let union = Claim(pages: claim.pages, region: first.region, ordinal: claim.ordinal, actions: actions)
      return Finding(.protected, start: statement.key, word: union.word, nodesVisited: visited)
    }
  }

  /// Calls `body` with each claim on the pages of a statement, highest region first; false if one is not as written.
  func forEachClaim(
    of statement: Statement, leaf: NodeReference, block: BlockView, position: Int, _ body: (Claim) -> Void
  ) -> Bool {
    let last = statement.claim
    body(last)
    guard last.ordinal > 0 else { return true }
    guard last.ordinal <= position else { return false }
    for step in 1...last.ordinal {
      // Claims before the last are statements about no page of their own: their key is also the next key.
      let other = block.statement(at: position - step)
      guard other.key == statement.key, other.next == statement.key, other.claim.ordinal == last.ordinal - step,
        other.claim.pages == last.pages, other.holds(in: leaf)
      else { return false }
      body(other.claim)
    }
    return true
  }
}
