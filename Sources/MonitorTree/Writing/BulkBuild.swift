import Addresses

// Changes that write the whole tree anew, as one change: readers see the old tree or the new one.
extension TreeWriter {
  /// Replaces all mappings by these, which may overlap; the tree's own pages stay.
  ///
  /// Needs as many free pages as the new tree has nodes. Nodes are filled to the last entry.
  /// - Parameters:
  ///   - mappings: in ascending order of their first pages
  ///   - store: who stores into guest memory and publishes
  /// - Returns: what was done; `pages` is how many pages are monitored afterwards, without the tree's own.
  @discardableResult
  public func build(
    from mappings: some Sequence<Mapping>, through store: inout some GuestStore
  ) throws(TreeError) -> Change {
    let old = try contents()
    var sweep = Sweep(ownerLimit: shape.entriesPerBlock)
    var slabs = old.entries.filter { $0.claim.isTree }[...]
    for mapping in mappings {
      let pages = try checked(mapping.range, mapping.actions)
      guard mapping.region != .tree else { throw .invalidRegion(.tree) }
      while let slab = slabs.first, slab.key <= pages.lowerBound {
        try sweep.add(slab.key..<slab.key + slab.claim.pages, slab.claim)
        slabs.removeFirst()
      }
      let claim = Claim(pages: 0, region: mapping.region, actions: mapping.actions)
      guard try sweep.add(pages, claim) else { throw .unsorted(mapping.range) }
    }
    for slab in slabs { try sweep.add(slab.key..<slab.key + slab.claim.pages, slab.claim) }
    let entries = try sweep.finished()
    let pages = entries.reduce(into: UInt64(0)) { sum, entry in
      if entry.claim.ordinal == 0 { sum += UInt64(entry.claim.pages) }
    }
    return try replaceAll(by: entries, pages: pages, nodes: old.nodes, through: &store)
  }

  /// Writes all nodes anew, filled to the last entry, segments that say the same made one.
  ///
  /// Needs as many free pages as the new tree has nodes. `pages` of the result is 0: no page is told of differently.
  @discardableResult
  public func compact(through store: inout some GuestStore) throws(TreeError) -> Change {
    let old = try contents()
    return try replaceAll(by: editor.normalise(old.entries, from: 0), pages: 0, nodes: old.nodes, through: &store)
  }

  private func contents() throws(TreeError) -> (entries: [Entry], nodes: [NodeReference]) {
    let top = base.reference
    guard !top.isNull else { throw .noTree }
    var all: [Entry] = []
    var nodes: [NodeReference] = []
    try memory.visit(top) { (node, entries) throws(TreeError) in
      nodes.append(node)
      all += entries
    } interior: { (node, _) throws(TreeError) in
      nodes.append(node)
    }
    return (all, nodes)
  }

  private func replaceAll(
    by entries: [Entry], pages: UInt64, nodes: [NodeReference], through store: inout some GuestStore
  ) throws(TreeError) -> Change {
    var build = Build(replaced: nodes)
    do throws(TreeError) {
      let leaves = try write(entries, end: NodeLayout.endMark, build: &build, through: &store)
      let top = try raise(leaves, level: 1, build: &build, through: &store)
      try publish(top, build: build, through: &store)
    } catch {
      pool.returnTaken()
      throw error
    }
    return Change(pages: pages, nodesWritten: build.written, nodesRetired: nodes.count)
  }
}

/// Turns claims on pages, in ascending order of their first pages, into segments.
private struct Sweep {
  private var builder = SegmentBuilder()
  /// The claims on the page the sweep has come to, with the page each ends before; at most one of a region and end.
  private var active: [(end: UInt32, claim: Claim)] = []
  private var position: UInt32 = 0
  private let ownerLimit: Int

  init(ownerLimit: Int) {
    self.ownerLimit = ownerLimit
    builder.begin()
  }

  /// Adds a claim; false if it starts before the one added last.
  @discardableResult
  mutating func add(_ pages: Range<UInt32>, _ claim: Claim) throws(TreeError) -> Bool {
    guard pages.lowerBound >= position else { return false }
    try advance(to: pages.lowerBound)
    if let same = active.firstIndex(where: { $0.end == pages.upperBound && $0.claim.region == claim.region }) {
      let actions = active[same].claim.actions.union(claim.actions)
      active[same].claim = Claim(pages: 0, region: claim.region, actions: actions)
    } else {
      active.append((pages.upperBound, claim))
    }
    return true
  }

  mutating func finished() throws(TreeError) -> [Entry] {
    try advance(to: NodeLayout.endMark)
    return builder.finished(from: 0)
  }

  /// Makes segments of what is claimed up to `target`.
  private mutating func advance(to target: UInt32) throws(TreeError) {
    while position < target, let firstEnd = active.map(\.end).min() {
      let end = min(firstEnd, target)
      try builder.add(position, end, claims: claims(upTo: end))
      active.removeAll { $0.end <= end }
      position = end
    }
    position = target
  }

  /// The claims on the pages from `position` to `end`, one a region, sorted.
  private func claims(upTo end: UInt32) throws(TreeError) -> [Claim] {
    var claims: [Claim] = []
    for (_, claim) in active.sorted(by: { $0.claim.region < $1.claim.region }) {
      guard let last = claims.last, last.region == claim.region else {
        claims.append(claim)
        continue
      }
      claims[claims.count - 1] = Claim(pages: 0, region: claim.region, actions: last.actions.union(claim.actions))
    }
    let first = GuestPageNumber(UInt64(position))
    guard claims.first?.region != .tree || claims.count == 1 else {
      throw .overlapsTree(PageRange(first: first, count: UInt64(end - position)) ?? PageRange(page: first))
    }
    guard claims.count <= ownerLimit else { throw .tooManyOwners(first) }
    return claims
  }
}
