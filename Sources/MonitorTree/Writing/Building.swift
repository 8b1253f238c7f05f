import Addresses
import Synchronization

// Writing nodes on free pages, and publishing them.
extension TreeWriter {
  /// The nodes a change has written so far, and those it will replace.
  struct Build {
    var written = 0
    var replaced: [NodeReference] = []
  }

  /// Writes entries as leaves, evenly filled, and returns the children that lead to them.
  func write(
    _ entries: [Entry], end: UInt32, build: inout Build, through store: inout some GuestStore
  ) throws(TreeError) -> [Child] {
    let blocks = shape.blocks(of: entries)
    var children: [Child] = []
    for start in stride(from: 0, to: blocks.count, by: shape.blocksPerLeaf) {
      let part = blocks[start..<min(start + shape.blocksPerLeaf, blocks.count)]
      let leafEnd = part.endIndex < blocks.count ? entries[blocks[part.endIndex].lowerBound].key : end
      let reference = try place(level: 0, actions: nodeActions.leaf)
      let blockKeys = image.encode(entries, blocks: part, end: leafEnd, as: reference)
      try storeImage(at: reference, through: &store)
      children.append(
        Child(key: entries[part[start].lowerBound].key, reference: reference, blockKeys: blockKeys))
    }
    build.written += children.count
    return children
  }

  /// Writes children as interior nodes of one level, evenly filled, and returns the children that lead to them.
  func write(
    _ children: [Child], level: Int, end: UInt32, build: inout Build, through store: inout some GuestStore
  ) throws(TreeError) -> [Child] {
    guard level <= NodeLayout.maximumLevel else { throw .tooDeep }
    var parents: [Child] = []
    var start = 0
    while start < children.count {
      let remaining = children.count - start
      let nodes = (remaining + shape.children - 1) / shape.children
      let stop = start + (remaining + nodes - 1) / nodes
      let nodeEnd = stop < children.count ? children[stop].key : end
      let reference = try place(level: level, actions: nodeActions.interior)
      image.encode(children[start..<stop], end: nodeEnd, as: reference)
      try storeImage(at: reference, through: &store)
      parents.append(Child(key: children[start].key, reference: reference))
      start = stop
    }
    build.written += parents.count
    return parents
  }

  /// Writes levels of interior nodes above `children` until there is one base.
  func raise(
    _ children: [Child], level: Int, build: inout Build, through store: inout some GuestStore
  ) throws(TreeError) -> NodeReference {
    var children = children
    var level = level
    while children.count > 1 || level == 1 {
      children = try write(children, level: level, end: NodeLayout.endMark, build: &build, through: &store)
      level += 1
    }
    return children[0].reference
  }

  /// A free page for a node of this level, and a new edition.
  private func place(level: Int, actions: AlertActions) throws(TreeError) -> NodeReference {
    if pool.free.isEmpty { reclaim() }
    guard let page = pool.take() else { throw .outOfPages }
    edition = edition == NodeReference.editionMask ? 1 : edition + 1
    return NodeReference(page: page, level: level, edition: edition, actions: actions)
  }

  private func storeImage(at reference: NodeReference, through store: inout some GuestStore) throws(TreeError) {
    let refused = image.words.withUnsafeBufferPointer { store.store($0, page: reference.pageNumber) }
    if let refused { throw .storeRefused(refused) }
  }

  /// Lets walks start at the new base, and retires the nodes that were replaced.
  func publish(
    _ top: NodeReference, build: Build, through store: inout some GuestStore
  ) throws(TreeError) {
    guard store.publish(top.with(actions: nodeActions.base), at: base) else { throw .publicationRefused }
    pool.keepTaken()
    let epoch = base.epoch.pointee.wrappingAdd(1, ordering: .sequentiallyConsistent).newValue
    for node in build.replaced { pool.retire(node.page, epoch: epoch) }
    nodeCount += build.written - build.replaced.count
    reclaim()
  }

  /// Frees the retired pages that no reader can be in any more.
  func reclaim() { pool.reclaim(upTo: base.epochPassedByAllReaders()) }

  /// Learns from the tree which pages hold its nodes and which are free.
  func takeStock() throws(TreeError) {
    let top = base.reference
    edition = top.edition
    guard !top.isNull else { return }
    var used: Set<UInt32> = []
    var slabs: [Range<UInt32>] = []
    func enter(_ node: NodeReference) throws(TreeError) {
      guard used.insert(node.page).inserted else { throw .corrupt(node.pageNumber) }
      // The latest edition by the nodes' count, which wraps around.
      let ahead = (node.edition &- edition) & NodeReference.editionMask
      if ahead < NodeReference.editionMask / 2 { edition = node.edition }
    }
    try memory.visit(top) { (node, entries) throws(TreeError) in
      try enter(node)
      for entry in entries where entry.claim.isTree {
        guard entry.key + entry.claim.pages <= memory.pageCount else { throw .corrupt(node.pageNumber) }
        slabs.append(entry.key..<entry.key + entry.claim.pages)
      }
    } interior: { (node, _) throws(TreeError) in
      try enter(node)
    }
    nodeCount = used.count
    for slab in slabs.reversed() {
      slabPages += UInt64(slab.count)
      pool.add(slab.reversed().filter { !used.contains($0) })
    }
  }
}
