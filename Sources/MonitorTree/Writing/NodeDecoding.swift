import Addresses

extension GuestMemory {
  /// Appends a leaf's entries to `entries` after checking each of them; the leaf describes the pages first ..< end.
  ///
  /// - Returns: the first keys of its blocks, as its parent should know them.
  @discardableResult
  func decodeLeaf(
    _ reference: NodeReference, first: UInt32, end: UInt32, into entries: inout [Entry]
  ) throws(TreeError) -> SIMD16<UInt32> {
    let corrupt = TreeError.corrupt(reference.pageNumber)
    guard reference.page < pageCount, reference.level == 0 else { throw corrupt }
    let leaf = node(at: reference.page)
    guard leaf.load(fromByteOffset: NodeLayout.Block.ownReference, as: UInt64.self) == reference.identity else {
      throw corrupt
    }
    var blockKeys = SIMD16<UInt32>(repeating: NodeLayout.endMark)
    var key = first
    var lastKey = first
    let before = entries.count
    entries.reserveCapacity(before + NodeLayout.blocksPerLeaf * NodeLayout.entriesPerBlock)
    for index in 0..<NodeLayout.blocksPerLeaf {
      let block = BlockView(index, of: leaf)
      let header = block.start.load(fromByteOffset: NodeLayout.Block.header, as: UInt32.self)
      let count = Int(header & 0xff)
      guard header == NodeLayout.header(level: 0, count: count), count <= NodeLayout.entriesPerBlock else {
        throw corrupt
      }
      if count > 0 {
        // Claims on the same pages lie in one block.
        guard index == 0 || lastKey != key else { throw corrupt }
        if index > 0 { blockKeys[index - 1] = key }
      }
      var previous = Claim.none
      for slot in 0..<count {
        let statement = block.statement(at: slot)
        guard statement.key == key, statement.holds(in: reference),
          isOrdered(statement, after: previous, sameKey: slot > 0 && lastKey == key)
        else { throw corrupt }
        entries.append(Entry(key: key, claim: statement.claim))
        previous = statement.claim
        lastKey = key
        key = statement.next
      }
      for slot in count..<16 {
        let expected = slot == count ? key : NodeLayout.endMark
        guard block.start.load(fromByteOffset: NodeLayout.Block.keys + slot * 4, as: UInt32.self) == expected else {
          throw corrupt
        }
      }
    }
    guard key == end, entries.count > before, lastKey != end else { throw corrupt }
    return blockKeys
  }

  /// Whether a leaf entry may follow the entry before it in its block: a further claim on the same pages, or a new
  /// segment, which ends no later than the next one starts.
  @inline(__always)
  private func isOrdered(_ statement: Statement, after previous: Claim, sameKey: Bool) -> Bool {
    let claim = statement.claim
    let (key, next) = (statement.key, statement.next)
    let isTree = claim.region == .tree && claim.pages > 0
    guard claim.isTree == isTree, UInt64(key) + UInt64(claim.pages) <= UInt64(NodeLayout.endMark) else { return false }
    if sameKey {
      guard claim.ordinal == previous.ordinal + 1, claim.pages == previous.pages, previous.region < claim.region
      else { return false }
    } else {
      guard claim.ordinal == 0 || isTree else { return false }
    }
    return next == key ? claim.pages > 0 && !isTree : next > key && next - key >= claim.pages
  }

  /// Appends an interior node's children to `children` after checking each of them; the node describes the pages
  /// first ..< end.
  func decodeInterior(
    _ reference: NodeReference, first: UInt32, end: UInt32, into children: inout [Child]
  ) throws(TreeError) {
    let corrupt = TreeError.corrupt(reference.pageNumber)
    guard reference.page < pageCount, reference.level > 0 else { throw corrupt }
    let page = node(at: reference.page)
    let node = InteriorView(page)
    let header = page.load(fromByteOffset: NodeLayout.Interior.header, as: UInt32.self)
    let count = Int(header & 0xff)
    guard header == NodeLayout.header(level: reference.level, count: count), count > 0, count <= NodeLayout.children,
      page.load(fromByteOffset: NodeLayout.Interior.ownReference, as: UInt64.self) == reference.identity
    else { throw corrupt }
    var key = first
    for position in 0..<count {
      let statement = node.statement(at: position)
      let child = statement.child
      guard statement.key == key, statement.next > key, statement.holds(in: reference),
        child.level == reference.level - 1, child.page < pageCount
      else { throw corrupt }
      let blockKeys = page.load(
        fromByteOffset: NodeLayout.Interior.blockKeys + position * 64, as: SIMD16<UInt32>.self)
      children.append(Child(key: key, reference: child, blockKeys: blockKeys))
      key = statement.next
    }
    guard key == end else { throw corrupt }
    for slot in count...NodeLayout.children {
      let expected = slot == count ? end : NodeLayout.endMark
      guard page.load(fromByteOffset: NodeLayout.Interior.keys + slot * 4, as: UInt32.self) == expected else {
        throw corrupt
      }
    }
  }

  /// Decodes every node below `base`, parents before children and in ascending order.
  ///
  /// `leaf` is given each leaf's entries, `interior` the children of each interior node. `corrupt` is given the nodes
  /// that are not as their writer left them or do not fit their parent; what they lead to is not visited. Each node
  /// describes fewer pages than its parent or is one level lower, so the visit ends whatever the nodes hold.
  func visit(
    _ base: NodeReference,
    leaf: (NodeReference, [Entry]) throws(TreeError) -> Void,
    interior: (NodeReference, [Child]) throws(TreeError) -> Void,
    corrupt: (GuestPageNumber) throws(TreeError) -> Void = { (node) throws(TreeError) in throw .corrupt(node) }
  ) throws(TreeError) {
    guard base.level > 0 else { return try corrupt(base.pageNumber) }
    try visit(base, first: 0, end: NodeLayout.endMark, leaf: leaf, interior: interior, corrupt: corrupt)
  }

  private func visit(
    _ reference: NodeReference, first: UInt32, end: UInt32,
    leaf: (NodeReference, [Entry]) throws(TreeError) -> Void,
    interior: (NodeReference, [Child]) throws(TreeError) -> Void,
    corrupt: (GuestPageNumber) throws(TreeError) -> Void
  ) throws(TreeError) {
    var children: [Child] = []
    guard (try? decodeInterior(reference, first: first, end: end, into: &children)) != nil else {
      return try corrupt(reference.pageNumber)
    }
    try interior(reference, children)
    for (index, child) in children.enumerated() {
      let next = index + 1 < children.count ? children[index + 1].key : end
      guard child.reference.level == 0 else {
        try visit(child.reference, first: child.key, end: next, leaf: leaf, interior: interior, corrupt: corrupt)
        continue
      }
      var entries: [Entry] = []
      guard let blockKeys = try? decodeLeaf(child.reference, first: child.key, end: next, into: &entries) else {
        try corrupt(child.reference.pageNumber)
        continue
      }
      if blockKeys != child.blockKeys { try corrupt(reference.pageNumber) }
      try leaf(child.reference, entries)
    }
  }
}
