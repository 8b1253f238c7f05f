import Addresses

extension MonitorTree {
  /// What the tree says about a run of pages, for a write that crosses pages: all from one state of the tree.
  ///
  /// A corrupt node on the way decides, and ends the search; else a page of the tree, the first of them; else protected pages, the first
  /// segment of them; else not mine. The actions are the union over all pages of the run that are of the deciding kind.
  public func find(_ range: PageRange) -> Finding {
    let base = snapshot
    var result: Answer = .notMine
    var nodesVisited = 0
    forEachFinding(in: range, from: base) { _, finding in
      nodesVisited += finding.nodesVisited
      result = result.joined(with: finding.answer)
    }
    return Finding(result, nodesVisited: nodesVisited)
  }

  /// Calls `body` with every segment and tree page of a run, ascending, all from one state of the tree.
  ///
  /// Segments are given whole, also where they reach beyond the run. Donated pages are given one by one where the walk
  /// meets them as nodes, else as their first page of the run that the slab covers. A corrupt node is given and ends
  /// the enumeration.
  public func forEach(in range: PageRange, _ body: (Answer) -> Void) {
    forEachFinding(in: range, from: snapshot) { _, finding in
      if finding.answer != .notMine { body(finding.answer) }
    }
  }

  /// Calls `body` with each claim on a page, lowest region first; false if a node on the way is corrupt.
  @discardableResult
  public func forEachClaim(on page: GuestPageNumber, _ body: (Claim) -> Void) -> Bool {
    let walk = walk(to: page, from: snapshot)
    switch walk.end {
    case .outside, .node: return true
    case .mismatch: return false
    case .statement:
      let claim = Claim(word: walk.word)
      guard UInt32(page.rawValue) - walk.key < claim.pages, claim.region != .tree || claim.ordinal > 0 else {
        return true
      }
      var claims: [Claim] = []
      guard forEachClaim(of: walk, { claims.append($0) }) else { return false }
      claims.reversed().forEach(body)
      return true
    }
  }

  /// One call for each statement met in the run (statements cover it without a gap) up to the first corrupt node.
  private func forEachFinding(
    in range: PageRange, from base: NodeReference, _ body: (GuestPageNumber, Finding) -> Void
  ) {
    var page = range.first
    while true {
      let walk = walk(to: page, from: base)
      body(page, find(page, from: base))
      let next: UInt64
      switch walk.end {
      case .outside, .mismatch: return
      case .node: next = page.rawValue + 1
      case .statement:
        let covered = UInt64(walk.key) + UInt64(Claim(word: walk.word).pages)
        next = page.rawValue < covered ? covered : UInt64(walk.next)
      }
      guard next <= range.last.rawValue else { return }
      page = GuestPageNumber(next)
    }
  }
}

extension Answer {
  private var rank: Int {
    switch self {
    case .notMine: 0
    case .protected: 1
    case .treePage: 2
    case .corrupt: 3
    }
  }

  /// The answer of higher rank, the earlier of equals, with the actions of both if they are of one kind.
  fileprivate func joined(with later: Answer) -> Answer {
    switch (self, later) {
    case (.protected(let a), .protected(let b)):
      .protected(
        Segment(
          start: a.start, length: a.length, actions: a.actions.union(b.actions), owners: a.owners, region: a.region))
    case (.treePage(let a), .treePage(let b)):
      .treePage(TreePage(page: a.page, role: a.role, actions: a.actions.union(b.actions)))
    default: later.rank > rank ? later : self
    }
  }
}
