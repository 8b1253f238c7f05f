import Addresses

extension MonitorTree {
  /// What the tree says about a run of pages, for a write that crosses pages: all from one state of the tree.
  ///
  /// A corrupt node on the way decides, and ends the search; else a page of the tree, the first of them; else protected pages, the first
  /// segment of them; else not mine. The actions are the union over all pages of the run that are of the deciding kind.
  public func find(_ range: PageRange) -> Finding {
    let base = snapshot
    var result = Finding(.notMine, nodesVisited: 0)
    forEachFinding(in: range, from: base) { result = result.joined(with: $0) }
    return result
  }

  /// Calls `body` with every segment and tree page of a run, ascending, all from one state of the tree.
  ///
  /// Segments are given whole, also where they reach beyond the run. Donated pages are given one by one where the walk
  /// meets them as nodes, else as their first page of the run that the slab covers. A corrupt node is given and ends
  /// the enumeration.
  public func forEach(in range: PageRange, _ body: (Answer) -> Void) {
    forEachFinding(in: range, from: snapshot) {
      if $0.kind != .notMine { body($0.answer) }
    }
  }

  /// Calls `body` with each claim on a page, lowest region first; false if a node on the way is corrupt.
  @discardableResult
  public func forEachClaim(on page: GuestPageNumber, _ body: (Claim) -> Void) -> Bool {
    var visited = 0
    switch place(of: page, from: snapshot, nodesVisited: &visited) {
    case .outside, .node: return true
    case .corrupt: return false
    case .statement(let statement, let leaf, let block, let position):
      let claim = statement.claim
      guard UInt32(page.rawValue) - statement.key < claim.pages, !claim.isTree else { return true }
      var claims: [Claim] = []
      guard forEachClaim(of: statement, leaf: leaf, block: block, position: position, { claims.append($0) }) else {
        return false
      }
      claims.reversed().forEach(body)
      return true
    }
  }

  /// One call for each statement met in the run (statements cover it without a gap) up to the first corrupt node.
  private func forEachFinding(
    in range: PageRange, from base: NodeReference, _ body: (Finding) -> Void
  ) {
    var page = range.first
    while true {
      var visited = 0
      let place = place(of: page, from: base, nodesVisited: &visited)
      let finding = finding(about: page, at: place, nodesVisited: visited)
      body(finding)
      guard finding.kind != .corrupt else { return }
      let next: UInt64
      switch place {
      case .outside, .corrupt: return
      case .node: next = page.rawValue + 1
      case .statement(let statement, _, _, _):
        let end = UInt64(statement.key) + UInt64(statement.claim.pages)
        next = page.rawValue < end ? end : UInt64(statement.next)
      }
      guard next <= range.last.rawValue else { return }
      page = GuestPageNumber(next)
    }
  }
}

extension Finding {
  private var rank: Int {
    switch kind {
    case .notMine: 0
    case .protected: 1
    case .base, .interior, .leaf, .slab: 2
    case .corrupt: 3
    }
  }

  /// The finding of higher rank, the earlier of equals, with the actions of both if they are of one rank.
  fileprivate func joined(with later: Finding) -> Finding {
    var result = later.rank > rank ? later : self
    if later.rank == rank { result.word |= later.word & 0xfff }
    result.visited = UInt8(clamping: nodesVisited + later.nodesVisited)
    return result
  }
}
