import Addresses
import Synchronization

/// The one writer of a tree: builds changed nodes on free pages and publishes each change by one store.
///
/// Every change is atomic: a reader sees the tree before it or after it, and a change that fails (no pages, a refused
/// store, a corrupt node) leaves the tree as it was. Nodes in the tree are never written; the nodes that a change
/// replaces are used again when all readers have passed. One thread at a time uses a writer, and a tree has one.
public final class TreeWriter {
  /// What is done about writes to the tree's own pages.
  public struct NodeActions: Hashable, Sendable {
    /// For the node where walks start.
    public var base: AlertActions
    /// For nodes whose entries lead to nodes.
    public var interior: AlertActions
    /// For nodes whose entries are mappings.
    public var leaf: AlertActions

    /// Actions by the place of a node in the tree.
    public init(base: AlertActions, interior: AlertActions, leaf: AlertActions) {
      self.base = base
      self.interior = interior
      self.leaf = leaf
    }

    /// The same actions for every node.
    public init(_ actions: AlertActions) { self.init(base: actions, interior: actions, leaf: actions) }
  }

  /// What a change did.
  public struct Change: Hashable, Sendable {
    /// Pages whose claims are others than before.
    public var pages: UInt64 = 0
    /// Nodes written.
    public var nodesWritten = 0
    /// Nodes that left the tree.
    public var nodesRetired = 0
  }

  /// The memory the nodes lie in.
  public let memory: GuestMemory
  /// Where walks start.
  public let base: BasePointer
  /// What is done about writes to node pages, from the next node written on.
  public var nodeActions: NodeActions

  let capacity: Int
  var pool = PagePool()
  var nodeCount = 0
  var slabPages: UInt64 = 0
  private var edition: UInt32 = 0
  private var image = NodeImage()
  private var editor: SegmentEditor

  /// A writer for the tree that `base` refers to, if any: after a writer has died, this is how the next one starts.
  ///
  /// Reads the whole tree; donated pages that hold no node of it are free.
  /// - Throws: `corrupt` if a node is not as its writer left it.
  public convenience init(memory: GuestMemory, base: BasePointer, nodeActions: NodeActions) throws(TreeError) {
    try self.init(memory: memory, base: base, nodeActions: nodeActions, capacity: NodeLayout.capacity)
  }

  /// A writer that fills nodes up to `capacity` entries only, so that small tests meet splits and merges.
  init(memory: GuestMemory, base: BasePointer, nodeActions: NodeActions, capacity: Int) throws(TreeError) {
    self.memory = memory
    self.base = base
    self.nodeActions = nodeActions
    self.capacity = capacity
    editor = SegmentEditor(ownerLimit: min(NodeLayout.maximumOwners, capacity))
    try takeStock()
  }

  /// Makes the first node on the first page of a slab that the caller has zeroed or not, and has write-protected.
  public func create(
    slab: PageRange, actions: AlertActions, through store: inout some GuestStore
  ) throws(TreeError) {
    guard base.reference.isNull else { throw .treeExists }
    let span = try checked(slab, actions)
    let claim = Claim(pages: span.end - span.start, region: .tree, actions: actions)
    pool.add((span.start..<span.end).reversed())
    var written = 0
    do throws(TreeError) {
      let entries = try editor.apply(
        .donate(claim), from: span.start, to: span.end, entries: [Entry(key: 0, word: 0)], low: 0)
      let children = try pack(entries, level: 0, end: NodeLayout.endMark, written: &written, through: &store)
      try publish(children[0].reference, retiring: [], written: written, through: &store)
    } catch {
      pool = PagePool()
      throw error
    }
    slabPages = slab.count
  }

  /// Adds pages to the tree's own: zeroes them, protects them as pages of the tree, and keeps them for nodes.
  ///
  /// The caller has write-protected them. They may already serve the change that adds them.
  @discardableResult
  public func donate(
    _ slab: PageRange, actions: AlertActions, through store: inout some GuestStore
  ) throws(TreeError) -> Change {
    let span = try checked(slab, actions)
    let claim = Claim(pages: span.end - span.start, region: .tree, actions: actions)
    // Refused before a store is made: pages that are protected or the tree's already.
    _ = try plan(.donate(claim), span)
    for page in span.start..<span.end {
      for word in 0..<UInt64(NodeLayout.wordsPerPage) {
        let address = GuestPhysicalAddress(UInt64(page) << 12 | word << 3)
        guard store.store(0, at: address) else { throw .storeRefused(address) }
      }
    }
    let before = pool
    pool.add((span.start..<span.end).reversed())
    do throws(TreeError) {
      let change = try update(.donate(claim), span, through: &store)
      slabPages += slab.count
      return change
    } catch {
      pool = before
      throw error
    }
  }

  /// Lets a region claim pages; where it does already, it claims them with the union of the actions.
  @discardableResult
  public func insert(
    _ range: PageRange, actions: AlertActions, region: RegionID, through store: inout some GuestStore
  ) throws(TreeError) -> Change {
    let span = try checked(range, actions)
    guard region != .tree else { throw .invalidRegion(region) }
    return try update(.insert(Claim(pages: 0, region: region, actions: actions)), span, through: &store)
  }

  /// Ends a region's claims on pages, or every region's (nil); the tree's own pages stay.
  @discardableResult
  public func remove(
    _ range: PageRange, region: RegionID?, through store: inout some GuestStore
  ) throws(TreeError) -> Change {
    let span = try checked(range, [])
    guard region != .tree else { throw .invalidRegion(.tree) }
    return try update(.remove(region), span, through: &store)
  }

  /// Replaces the actions of a region's claims on pages, or of every region's (nil); pages without a claim stay so.
  @discardableResult
  public func setActions(
    _ range: PageRange, actions: AlertActions, region: RegionID?, through store: inout some GuestStore
  ) throws(TreeError) -> Change {
    let span = try checked(range, actions)
    guard region != .tree else { throw .invalidRegion(.tree) }
    return try update(.setActions(actions, region), span, through: &store)
  }

  typealias Span = (start: UInt32, end: UInt32)

  func checked(_ range: PageRange, _ actions: AlertActions) throws(TreeError) -> Span {
    guard memory.contains(range) else { throw .outsideGuestMemory(range) }
    guard actions.isStorable else { throw .invalidActions(actions) }
    return (UInt32(range.first.rawValue), UInt32(range.last.rawValue) + 1)
  }
}

// MARK: - One change

extension TreeWriter {
  /// The nodes of one level that a change reads, put together, and which of their entries lead to the level below.
  private struct Run {
    var nodes: [NodeReference] = []
    var entries: [Entry] = []
    var end: UInt32 = 0
    /// The entries that lead to the nodes of the run below.
    var below: ClosedRange<Int> = 0...0
  }

  private struct Plan {
    /// By level, 0 = leaves.
    var runs: [Run]
    var leafEntries: [Entry]
  }

  /// Reads what the change concerns and works out the leaves' new entries; nothing is stored.
  private func plan(_ edit: SegmentEdit, _ span: Span) throws(TreeError) -> Plan {
    let reference = base.reference
    guard !reference.isNull else { throw .noTree }
    var runs = [Run](repeating: Run(), count: reference.level + 1)
    runs[reference.level].nodes = [reference]
    runs[reference.level].end = try memory.decode(
      reference, level: reference.level, first: 0, into: &runs[reference.level].entries)
    guard runs[reference.level].end == NodeLayout.endMark else { throw .corrupt(reference.pageNumber) }
    for level in stride(from: reference.level, to: 0, by: -1) {
      let entries = runs[level].entries
      let first = Self.position(of: span.start, in: entries)
      let last = Self.position(of: span.end - 1, in: entries)
      runs[level].below = first...last
      let parent = runs[level]
      for index in first...last { try read(index, of: parent, level: level, into: &runs[level - 1]) }
    }
    let leaves = runs[0]
    let entries = try editor.apply(
      edit, from: span.start, to: span.end, entries: leaves.entries, low: leaves.entries[0].key)
    return Plan(runs: runs, leafEntries: entries)
  }

  /// Appends the child node of entry `index` to the run below.
  private func read(_ index: Int, of run: Run, level: Int, into below: inout Run) throws(TreeError) {
    let entry = run.entries[index]
    let end = index + 1 < run.entries.count ? run.entries[index + 1].key : run.end
    let decodedEnd = try memory.decode(entry.reference, level: level - 1, first: entry.key, into: &below.entries)
    guard decodedEnd == end else { throw .corrupt(entry.reference.pageNumber) }
    below.nodes.append(entry.reference)
    below.end = end
  }

  /// The last entry whose key is not above `page`.
  private static func position(of page: UInt32, in entries: [Entry]) -> Int {
    var low = 0
    var high = entries.count
    while high - low > 1 {
      let middle = (low + high) / 2
      if entries[middle].key <= page { low = middle } else { high = middle }
    }
    return low
  }

  func update(
    _ edit: SegmentEdit, _ span: Span, through store: inout some GuestStore
  ) throws(TreeError) -> Change {
    var plan = try plan(edit, span)
    let pagesChanged = editor.pagesChanged
    guard pagesChanged > 0 else { return Change() }
    reclaim()
    var written = 0
    do throws(TreeError) {
      let top = try splice(&plan, written: &written, through: &store)
      let retired = plan.runs.flatMap(\.nodes)
      try publish(top, retiring: retired, written: written, through: &store)
      return Change(pages: pagesChanged, nodesWritten: written, nodesRetired: retired.count)
    } catch {
      pool.returnTaken()
      throw error
    }
  }

  /// Writes the changed nodes, leaves first, and returns the reference to the new base.
  private func splice(
    _ plan: inout Plan, written: inout Int, through store: inout some GuestStore
  ) throws(TreeError) -> NodeReference {
    var entries = plan.leafEntries
    var level = 0
    while true {
      if level + 1 < plan.runs.count, entries.count < capacity / 3 || entries.count > capacity {
        entries = try joinSibling(entries, level: level, plan: &plan)
      }
      let end = level < plan.runs.count ? plan.runs[level].end : NodeLayout.endMark
      let children = try pack(entries, level: level, end: end, written: &written, through: &store)
      level += 1
      // One node that stands for the whole tree is the base; levels above it that would only lead to it are left out.
      let isWhole = plan.runs.dropFirst(level).allSatisfy { $0.below.count == $0.entries.count }
      if children.count == 1, isWhole { return children[0].reference }
      guard level <= NodeLayout.maximumLevel else { throw .tooDeep }
      guard level < plan.runs.count else {
        entries = children
        continue
      }
      entries = plan.runs[level].entries
      entries.replaceSubrange(plan.runs[level].below, with: children)
    }
  }

  /// Puts a neighbouring node's entries to those of a run that is nearly empty, or too full for one node, where that
  /// lets both do with as few nodes as before.
  private func joinSibling(_ entries: [Entry], level: Int, plan: inout Plan) throws(TreeError) -> [Entry] {
    let parent = plan.runs[level + 1]
    let onTheLeft = parent.below.lowerBound > 0
    guard onTheLeft || parent.below.upperBound + 1 < parent.entries.count else { return entries }
    let sibling = onTheLeft ? parent.below.lowerBound - 1 : parent.below.upperBound + 1
    var neighbour = Run()
    try read(sibling, of: parent, level: level + 1, into: &neighbour)
    let total = entries.count + neighbour.entries.count
    guard entries.count < capacity / 3 || total <= 2 * capacity - capacity / 8 else { return entries }
    plan.runs[level].nodes += neighbour.nodes
    if onTheLeft {
      plan.runs[level + 1].below = sibling...parent.below.upperBound
    } else {
      plan.runs[level + 1].below = parent.below.lowerBound...sibling
      plan.runs[level].end = neighbour.end
    }
    let joined = onTheLeft ? neighbour.entries + entries : entries + neighbour.entries
    return level == 0 ? editor.normalise(joined, low: joined[0].key) : joined
  }

  /// Writes `entries` as nodes of one level, evenly filled, and returns the entries that lead to them.
  func pack(
    _ entries: [Entry], level: Int, end: UInt32, fill: Int? = nil, written: inout Int,
    through store: inout some GuestStore
  ) throws(TreeError) -> [Entry] {
    var children: [Entry] = []
    var start = 0
    let limit = min(fill ?? capacity, capacity)
    while start < entries.count {
      let remaining = entries.count - start
      let nodes = (remaining + limit - 1) / limit
      let stop = boundary(in: entries, from: start, about: (remaining + nodes - 1) / nodes)
      let nodeEnd = stop < entries.count ? entries[stop].key : end
      guard let page = pool.take() else { throw .outOfPages(free: pool.free.count) }
      let actions = level == 0 ? nodeActions.leaf : nodeActions.interior
      let reference = NodeReference(page: page, level: level, edition: nextEdition(), actions: actions)
      image.encode(entries[start..<stop], end: nodeEnd, as: reference)
      for (index, word) in image.words.enumerated() {
        let address = GuestPhysicalAddress(UInt64(page) << 12 | UInt64(index) << 3)
        guard store.store(word, at: address) else { throw .storeRefused(address) }
      }
      written += 1
      children.append(Entry(key: entries[start].key, word: reference.rawValue))
      start = stop
    }
    return children
  }

  /// The end of a node that starts at `start` and holds about `wanted` entries: claims on the same pages stay together.
  private func boundary(in entries: [Entry], from start: Int, about wanted: Int) -> Int {
    var stop = start + wanted
    while stop < entries.count, entries[stop].key == entries[stop - 1].key { stop += 1 }
    guard stop - start > capacity else { return min(stop, entries.count) }
    stop = start + wanted
    while entries[stop].key == entries[stop - 1].key { stop -= 1 }
    return stop
  }

  private func nextEdition() -> UInt32 {
    edition = edition & NodeReference.editionMask == NodeReference.editionMask ? 1 : edition + 1
    return edition
  }

  func publish(
    _ top: NodeReference, retiring retired: [NodeReference], written: Int, through store: inout some GuestStore
  ) throws(TreeError) {
    guard store.publish(top.with(actions: nodeActions.base), at: base) else { throw .publicationRefused }
    pool.keepTaken()
    let epoch = base.epoch.pointee.wrappingAdd(1, ordering: .acquiringAndReleasing).newValue
    for node in retired { pool.retire(node.page, epoch: epoch) }
    nodeCount += written - retired.count
    reclaim()
  }

  /// Frees the retired pages that no reader can be in any more.
  func reclaim() { pool.reclaim(upTo: base.epochPassedByAllReaders()) }

  func takeStock() throws(TreeError) {
    let reference = base.reference
    edition = reference.edition
    guard !reference.isNull else { return }
    var used: Set<UInt32> = []
    var slabs: [Range<UInt32>] = []
    try memory.visit(reference) { (node, entries) throws(TreeError) in
      guard used.insert(node.page).inserted else { throw .corrupt(node.pageNumber) }
      guard node.level == 0 else { return }
      for entry in entries where entry.claim.region == .tree && entry.claim.pages > 0 {
        slabs.append(entry.key..<entry.key + entry.claim.pages)
      }
    }
    nodeCount = used.count
    for slab in slabs.reversed() {
      slabPages += UInt64(slab.count)
      pool.add(slab.reversed().filter { !used.contains($0) })
    }
  }
}
