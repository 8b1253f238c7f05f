/// How full nodes may get: the layout's limits, or less, so that small tests meet splits and merges.
struct NodeShape {
  var entriesPerBlock = NodeLayout.entriesPerBlock
  var blocksPerLeaf = NodeLayout.blocksPerLeaf
  var children = NodeLayout.children

  /// The most entries a leaf holds.
  var entriesPerLeaf: Int { entriesPerBlock * blocksPerLeaf }

  /// Cuts entries into blocks for as few leaves as will hold them, evenly filled; claims on the same pages stay in one
  /// block.
  ///
  /// - Returns: the blocks, and how many of them make a leaf.
  func blocks(of entries: [Entry]) -> [Range<Int>] {
    var leaves = max(1, (entries.count + entriesPerLeaf - 1) / entriesPerLeaf)
    while true {
      let slots = leaves * blocksPerLeaf
      let even = max(1, (entries.count + slots - 1) / slots)
      for size in even...max(even, entriesPerBlock) {
        let blocks = cut(entries, into: size)
        if blocks.count <= slots { return blocks }
      }
      leaves += 1
    }
  }

  /// Cuts entries into blocks of `size`, or more where claims on the same pages are more, but never more than fit.
  private func cut(_ entries: [Entry], into size: Int) -> [Range<Int>] {
    var blocks: [Range<Int>] = []
    blocks.reserveCapacity(entries.count / size + 1)
    var start = 0
    while start < entries.count {
      var stop = min(start + size, entries.count)
      while stop < entries.count, entries[stop].key == entries[stop - 1].key { stop += 1 }
      if stop - start > entriesPerBlock {
        stop = start + size
        while entries[stop].key == entries[stop - 1].key { stop -= 1 }
      }
      blocks.append(start..<stop)
      start = stop
    }
    return blocks
  }
}
