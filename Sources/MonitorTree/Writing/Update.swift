import Addresses
import Synchronization

// One change: read the nodes concerned, edit the leaves' entries, write the changed nodes leaves first, publish.
extension TreeWriter {
  /// Which children of a run of interior nodes lead to the run of nodes below that a change rewrites.
  struct Run {
    var children: [Child] = []
    var end: UInt32 = 0
    var below: ClosedRange<Int> = 0...0

    func end(of index: Int) -> UInt32 { index + 1 < children.count ? children[index + 1].key : end }
    /// Whether all children are rewritten.
    var isWhole: Bool { below.count == children.count }
  }

  /// What a change reads, and the leaves' entries that it makes of them.
  struct Plan {
    /// The interior nodes' children, by level - 1.
    var runs: [Run]
    var entries: [Entry]
    var end: UInt32
    /// The nodes that the change replaces.
    var replaced: [NodeReference]
  }

  /// Reads what the change concerns and works out the leaves' new entries; nothing is stored.
  func plan(_ edit: SegmentEdit, _ pages: Range<UInt32>) throws(TreeError) -> Plan {
    let top = base.reference
    guard !top.isNull else { throw .noTree }
    guard top.level > 0 else { throw .corrupt(top.pageNumber) }
    var plan = Plan(
      runs: [Run](repeating: Run(), count: top.level), entries: [], end: NodeLayout.endMark, replaced: [top])
    plan.runs[top.level - 1].end = NodeLayout.endMark
    try memory.decodeInterior(top, first: 0, end: NodeLayout.endMark, into: &plan.runs[top.level - 1].children)
    for level in stride(from: top.level, to: 0, by: -1) {
      let run = plan.runs[level - 1]
      let below =
        Self.position(
          of: pages.lowerBound, in: run.children)...Self.position(
          of: pages.upperBound - 1, in: run.children)
      plan.runs[level - 1].below = below
      for index in below { try read(index, of: run, into: &plan, level: level - 1) }
    }
    let first = plan.runs[0].children[plan.runs[0].below.lowerBound].key
    plan.entries = try editor.apply(edit, to: pages, of: plan.entries, from: first)
    return plan
  }

  /// Adds what a child of `run` holds to the run of nodes at `level`.
  private func read(_ index: Int, of run: Run, into plan: inout Plan, level: Int) throws(TreeError) {
    let child = run.children[index]
    let end = run.end(of: index)
    if level == 0 {
      try memory.decodeLeaf(child.reference, first: child.key, end: end, into: &plan.entries)
      plan.end = end
    } else {
      try memory.decodeInterior(child.reference, first: child.key, end: end, into: &plan.runs[level - 1].children)
      plan.runs[level - 1].end = end
    }
    plan.replaced.append(child.reference)
  }

  /// The last child whose key is not above `page`.
  private static func position(of page: UInt32, in children: [Child]) -> Int {
    max(0, children.dropFirst().partitioningIndex { $0.key > page } - 1)
  }

  /// Makes one change.
  func update(
    _ edit: SegmentEdit, _ pages: Range<UInt32>, through store: inout some GuestStore
  ) throws(TreeError) -> Change {
    var plan = try plan(edit, pages)
    let pagesChanged = editor.pagesChanged
    guard pagesChanged > 0 else { return Change() }
    try joinLeaf(&plan)
    var build = Build()
    do throws(TreeError) {
      let top = try splice(&plan, build: &build, through: &store)
      build.replaced = plan.replaced
      try publish(top, build: build, through: &store)
    } catch {
      pool.returnTaken()
      throw error
    }
    return Change(pages: pagesChanged, nodesWritten: build.written, nodesRetired: build.replaced.count)
  }

  /// Writes the changed nodes, leaves first, and returns the reference to the new base.
  private func splice(
    _ plan: inout Plan, build: inout Build, through store: inout some GuestStore
  ) throws(TreeError) -> NodeReference {
    var children = try write(plan.entries, end: plan.end, build: &build, through: &store)
    for level in 1...plan.runs.count {
      // One node that stands for all that is below the base is the base: no level is kept that only leads on.
      let isTop = plan.runs[(level - 1)...].allSatisfy(\.isWhole)
      if isTop, children.count == 1, level > 1 { return children[0].reference }
      plan.runs[level - 1].children.replaceSubrange(plan.runs[level - 1].below, with: children)
      if level < plan.runs.count { try joinInterior(&plan, level: level) }
      children = try write(
        plan.runs[level - 1].children, level: level, end: plan.runs[level - 1].end, build: &build, through: &store)
    }
    return try raise(children, level: plan.runs.count + 1, build: &build, through: &store)
  }

  /// Puts the entries of a neighbouring leaf to those of a change where they are few, or where two leaves will do for
  /// three.
  private func joinLeaf(_ plan: inout Plan) throws(TreeError) {
    let count = plan.entries.count
    let room = shape.entriesPerLeaf
    guard count < room / 3 || (count > room && count < 2 * room), let sibling = sibling(of: plan.runs[0]) else {
      return
    }
    var side = Plan(runs: [], entries: [], end: plan.end, replaced: [])
    try read(sibling, of: plan.runs[0], into: &side, level: 0)
    let total = count + side.entries.count
    guard count < room / 3 || total <= 2 * room - room / 8 else { return }
    let onTheLeft = sibling < plan.runs[0].below.lowerBound
    let joined = onTheLeft ? side.entries + plan.entries : plan.entries + side.entries
    plan.entries = editor.normalise(joined, from: joined[0].key)
    if !onTheLeft { plan.end = side.end }
    plan.replaced += side.replaced
    plan.runs[0].widen(to: sibling)
  }

  /// Puts the children of a neighbouring node to those of a run that has few.
  private func joinInterior(_ plan: inout Plan, level: Int) throws(TreeError) {
    let count = plan.runs[level - 1].children.count
    guard count < shape.children / 3, let sibling = sibling(of: plan.runs[level]) else { return }
    var side = Plan(runs: [Run](repeating: Run(), count: level), entries: [], end: 0, replaced: [])
    try read(sibling, of: plan.runs[level], into: &side, level: level)
    if sibling < plan.runs[level].below.lowerBound {
      plan.runs[level - 1].children = side.runs[level - 1].children + plan.runs[level - 1].children
    } else {
      plan.runs[level - 1].children += side.runs[level - 1].children
      plan.runs[level - 1].end = side.runs[level - 1].end
    }
    plan.replaced += side.replaced
    plan.runs[level].widen(to: sibling)
  }

  /// The child beside those that lead to the rewritten nodes, the left one if there is one.
  private func sibling(of run: Run) -> Int? {
    if run.below.lowerBound > 0 { return run.below.lowerBound - 1 }
    return run.below.upperBound + 1 < run.children.count ? run.below.upperBound + 1 : nil
  }
}

extension TreeWriter.Run {
  fileprivate mutating func widen(to sibling: Int) {
    below = min(sibling, below.lowerBound)...max(sibling, below.upperBound)
  }
}
