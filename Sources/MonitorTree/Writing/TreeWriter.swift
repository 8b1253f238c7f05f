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

  let shape: NodeShape
  var pool = PagePool()
  var nodeCount = 0
  var slabPages: UInt64 = 0
  var edition: UInt32 = 0
  var image = NodeImage()
  var editor: SegmentEditor

  /// A writer for the tree that `base` refers to, if any: after a writer has died, this is how the next one starts.
  ///
  /// Reads the whole tree; donated pages that hold no node of it are free.
  /// - Throws: `corrupt` if a node is not as its writer left it.
  public convenience init(memory: GuestMemory, base: BasePointer, nodeActions: NodeActions) throws(TreeError) {
    try self.init(memory: memory, base: base, nodeActions: nodeActions, shape: NodeShape())
  }

  /// A writer that fills nodes less than they could be.
  init(memory: GuestMemory, base: BasePointer, nodeActions: NodeActions, shape: NodeShape) throws(TreeError) {
    self.memory = memory
    self.base = base
    self.nodeActions = nodeActions
    self.shape = shape
    editor = SegmentEditor(ownerLimit: shape.entriesPerBlock)
    try takeStock()
  }

  /// Makes the first nodes, a base and a leaf, on a slab of at least two pages that the caller has write-protected.
  public func create(
    slab: PageRange, actions: AlertActions, through store: inout some GuestStore
  ) throws(TreeError) {
    guard base.reference.isNull else { throw .treeExists }
    let span = try checked(slab, actions)
    let claim = Claim(pages: 0, region: .tree, actions: actions)
    try lend(span) { () throws(TreeError) in
      let entries = try editor.apply(
        .donate(claim), to: span, of: [Entry(key: 0, claim: .none)], from: 0)
      var build = Build()
      let leaves = try write(entries, end: NodeLayout.endMark, build: &build, through: &store)
      let top = try raise(leaves, level: 1, build: &build, through: &store)
      try publish(top, build: build, through: &store)
    }
  }

  /// Adds pages to the tree's own: zeroes them, protects them as pages of the tree, and keeps them for nodes.
  ///
  /// The caller has write-protected them. They already serve the change that adds them.
  @discardableResult
  public func donate(
    _ slab: PageRange, actions: AlertActions, through store: inout some GuestStore
  ) throws(TreeError) -> Change {
    let span = try checked(slab, actions)
    let claim = Claim(pages: 0, region: .tree, actions: actions)
    // Refused before a store is made: pages that are protected or the tree's already.
    _ = try plan(.donate(claim), span)
    let zeroes = [UInt64](repeating: 0, count: NodeLayout.wordsPerPage)
    for page in span {
      let refused = zeroes.withUnsafeBufferPointer { store.store($0, page: GuestPageNumber(UInt64(page))) }
      if let refused { throw .storeRefused(refused) }
    }
    return try lend(span) { () throws(TreeError) in try update(.donate(claim), span, through: &store) }
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

  /// The page numbers of a range in guest memory.
  func checked(_ range: PageRange, _ actions: AlertActions) throws(TreeError) -> Range<UInt32> {
    guard memory.contains(range) else { throw .outsideGuestMemory(range) }
    guard actions.isStorable else { throw .invalidActions(actions) }
    return UInt32(range.first.rawValue)..<UInt32(range.last.rawValue) + 1
  }

  /// Adds pages to the pool for a change, and takes them back if it fails.
  private func lend<Result>(
    _ slab: Range<UInt32>, _ change: () throws(TreeError) -> Result
  ) throws(TreeError) -> Result {
    let before = pool
    pool.add(slab.reversed())
    slabPages += UInt64(slab.count)
    do throws(TreeError) {
      return try change()
    } catch {
      pool = before
      slabPages -= UInt64(slab.count)
      throw error
    }
  }
}
