import Addresses

/// The bytes of a node, put together in the writer's own memory before they are stored page-wise.
struct NodeImage {
  private(set) var words = [UInt64](repeating: 0, count: NodeLayout.wordsPerPage)

  /// Lays out `entries` as the node that `reference` refers to; `end` is the first page number past the node.
  mutating func encode(_ entries: ArraySlice<Entry>, end: UInt32, as reference: NodeReference) {
    words.withUnsafeMutableBytes { bytes in
      bytes.initializeMemory(as: UInt8.self, repeating: 0)
      let page = bytes.baseAddress.unsafelyUnwrapped
      let keys = (page + NodeLayout.keyOffset).assumingMemoryBound(to: UInt32.self)
      let checks = (page + NodeLayout.checkOffset).assumingMemoryBound(to: UInt32.self)
      let values = (page + NodeLayout.wordOffset).assumingMemoryBound(to: UInt64.self)
      let seed = reference.seed
      let count = entries.count
      entries.withUnsafeBufferPointer { entries in
        for index in 0..<count {
          let entry = entries[index]
          let next = index + 1 < count ? entries[index + 1].key : end
          keys[index] = entry.key
          values[index] = entry.word
          checks[index] = NodeLayout.check(
            keys: UInt64(next) << 32 | UInt64(entry.key), word: entry.word, seed: seed)
        }
      }
      keys[count] = end
      for index in count + 1..<NodeLayout.keySlots { keys[index] = NodeLayout.endMark }
      let router = page.assumingMemoryBound(to: UInt32.self)
      router[0] = NodeLayout.header(level: reference.level, count: count)
      for block in 1..<16 { router[block] = keys[block * 16] }
      (page + NodeLayout.ownReferenceOffset).storeBytes(of: reference.rawValue & ~0xfff, as: UInt64.self)
    }
  }
}

extension GuestMemory {
  /// Appends the entries of a node to `entries` after checking every one of them, and its place between its neighbours.
  ///
  /// - Returns: the first page number past the node.
  func decode(
    _ reference: NodeReference, level: Int, first: UInt32, into entries: inout [Entry]
  ) throws(TreeError) -> UInt32 {
    let corrupt = TreeError.corrupt(reference.pageNumber)
    guard reference.page < pageCount, reference.level == level else { throw corrupt }
    let node = NodeView(node(at: reference.page))
    let count = Int(node.header & 0xff)
    guard node.header == NodeLayout.header(level: level, count: count), count > 0, count <= NodeLayout.capacity,
      node.key(at: 0) == first
    else { throw corrupt }
    let seed = reference.seed
    var key = first
    for index in 0..<count {
      let next = node.key(at: index + 1)
      let word = node.word(at: index)
      let keys = UInt64(next) << 32 | UInt64(key)
      let ordered = level == 0 ? isOrdered(Claim(word: word), after: entries.last, index, key, next) : key < next
      guard ordered, next <= NodeLayout.endMark,
        node.check(at: index) == NodeLayout.check(keys: keys, word: word, seed: seed)
      else { throw corrupt }
      entries.append(Entry(key: key, word: word))
      key = next
    }
    return key
  }

  /// Whether a leaf entry follows the one before it: same key and next ordinal, or a new segment that starts no earlier
  /// than the last one ends.
  private func isOrdered(_ claim: Claim, after last: Entry?, _ index: Int, _ key: UInt32, _ next: UInt32) -> Bool {
    guard UInt64(key) + UInt64(claim.pages) <= UInt64(NodeLayout.endMark) else { return false }
    if claim.ordinal > 0 {
      guard index > 0, let last, last.key == key, last.claim.ordinal == claim.ordinal - 1,
        last.claim.pages == claim.pages
      else { return false }
    }
    return next == key || key + claim.pages <= next
  }
}
