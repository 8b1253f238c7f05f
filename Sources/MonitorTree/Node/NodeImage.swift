/// The bytes of a node, put together in the writer's own memory before they are stored.
struct NodeImage {
  private(set) var words = [UInt64](repeating: 0, count: NodeLayout.wordsPerPage)

  /// Lays out a leaf of these blocks of entries; `end` is the first page number past the leaf.
  ///
  /// - Returns: the first keys of blocks 1 ... 15, end marks for those that are empty, and an end mark.
  mutating func encode(
    _ entries: [Entry], blocks: ArraySlice<Range<Int>>, end: UInt32, as reference: NodeReference
  ) -> SIMD16<UInt32> {
    var blockKeys = SIMD16<UInt32>(repeating: NodeLayout.endMark)
    let seed = reference.seed
    let last = blocks.last?.upperBound ?? 0
    words.withUnsafeMutableBytes { bytes in
      bytes.initializeMemory(as: UInt8.self, repeating: 0)
      entries.withUnsafeBufferPointer { entries in
        for index in 0..<NodeLayout.blocksPerLeaf {
          let start = bytes.baseAddress.unsafelyUnwrapped + index * NodeLayout.Block.bytes
          let keys = (start + NodeLayout.Block.keys).assumingMemoryBound(to: UInt32.self)
          let words = (start + NodeLayout.Block.words).assumingMemoryBound(to: UInt64.self)
          let checks = (start + NodeLayout.Block.checks).assumingMemoryBound(to: UInt32.self)
          let range = index < blocks.count ? blocks[blocks.startIndex + index] : last..<last
          for slot in 0..<range.count {
            let next = range.lowerBound + slot + 1
            let entry = entries[next - 1]
            let nextKey = next < last ? entries[next].key : end
            keys[slot] = entry.key
            words[slot] = entry.claim.word
            checks[slot] = NodeLayout.check(
              keys: UInt64(nextKey) << 32 | UInt64(entry.key), word: entry.claim.word, seed: seed)
          }
          keys[range.count] = range.upperBound < last ? entries[range.upperBound].key : end
          for slot in range.count + 1..<16 { keys[slot] = NodeLayout.endMark }
          (start + NodeLayout.Block.header).storeBytes(
            of: NodeLayout.header(level: 0, count: range.count), as: UInt32.self)
          if index > 0, !range.isEmpty { blockKeys[index - 1] = entries[range.lowerBound].key }
        }
      }
      bytes.storeBytes(
        of: reference.identity, toByteOffset: NodeLayout.Block.ownReference, as: UInt64.self)
    }
    return blockKeys
  }

  /// Lays out an interior node with these children; `end` is the first page number past the node.
  mutating func encode(_ children: ArraySlice<Child>, end: UInt32, as reference: NodeReference) {
    let seed = reference.seed
    words.withUnsafeMutableBytes { bytes in
      bytes.initializeMemory(as: UInt8.self, repeating: 0)
      let page = bytes.baseAddress.unsafelyUnwrapped
      let keys = (page + NodeLayout.Interior.keys).assumingMemoryBound(to: UInt32.self)
      let words = (page + NodeLayout.Interior.words).assumingMemoryBound(to: UInt64.self)
      let checks = (page + NodeLayout.Interior.checks).assumingMemoryBound(to: UInt32.self)
      let blockKeys = (page + NodeLayout.Interior.blockKeys).assumingMemoryBound(to: SIMD16<UInt32>.self)
      children.withUnsafeBufferPointer { children in
        for (index, child) in children.enumerated() {
          let nextKey = index + 1 < children.count ? children[index + 1].key : end
          keys[index] = child.key
          words[index] = child.reference.rawValue
          checks[index] = NodeLayout.check(
            keys: UInt64(nextKey) << 32 | UInt64(child.key), word: child.reference.rawValue, seed: seed)
          blockKeys[index] = child.blockKeys
        }
      }
      keys[children.count] = end
      for slot in children.count + 1..<NodeLayout.children + 1 { keys[slot] = NodeLayout.endMark }
      bytes.storeBytes(
        of: NodeLayout.header(level: reference.level, count: children.count),
        toByteOffset: NodeLayout.Interior.header, as: UInt32.self)
      bytes.storeBytes(
        of: reference.identity, toByteOffset: NodeLayout.Interior.ownReference, as: UInt64.self)
    }
  }
}
