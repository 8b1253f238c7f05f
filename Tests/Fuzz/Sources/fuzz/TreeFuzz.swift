import Addresses
import CNodeSearch

@testable import MonitorTree

/// A sound tree of three levels, and edits of its nodes, also with check codes that were computed for them.
struct EditedTree {
  let guest: TestGuest
  private let nodes: [NodeReference]
  /// All pages of the slab as they are in the sound tree.
  private let sound: [UInt8]
  static let total: UInt64 = 64
  private static let slab = pages(20, 24)

  init() {
    guest = TestGuest(pages: Self.total)
    do {
      let writer = try guest.writer(.tiny, slab: Self.slab)
      var store = guest.store
      for index in 0..<UInt64(16) {
        let first = index * 7919 % 60
        guard first + 4 < 20 || first >= 44 else { continue }
        try writer.insert(
          pages(first, index % 3 + 1), actions: index % 2 == 0 ? .log : .notify,
          region: RegionID(UInt16(index % 3 + 1)), through: &store)
      }
      nodes = try guest.nodes()
    } catch { fatalError("no tree to start from: \(error)") }
    sound = Array(UnsafeRawBufferPointer(start: guest.bytes(of: Self.slab.first).baseAddress, count: 24 << 12))
  }

  var seeds: [[UInt8]] {
    var seeds: [[UInt8]] = [[]]
    for (index, node) in nodes.enumerated() {
      let at = node.level == 0 ? NodeLayout.Block.words : NodeLayout.Interior.words
      seeds.append([0, UInt8(index), 0, UInt8(at & 255), UInt8(at >> 8), 8, 1, 2, 3, 4, 5, 6, 7, 8])
      seeds.append([1, UInt8(index), 0, UInt8(index / 2), 0, 0, 0, 64, 0])
      seeds.append([0, UInt8(index), 0, UInt8(at & 255), UInt8(at >> 8), 4, 9, 9, 9, 9, 2, UInt8(index), 0, 0, 0])
    }
    return seeds
  }

  /// Puts the sound tree back, then edits it as an input says.
  func edit(by input: UnsafeRawBufferPointer) {
    UnsafeMutableRawBufferPointer(start: guest.bytes(of: Self.slab.first).baseAddress, count: sound.count)
      .copyBytes(from: sound)
    guest.base.publish(nodes[0])
    var numbers = InputNumbers(input)
    while !numbers.isEmpty { edit(&numbers) }
  }

  private func soundBytes(of node: NodeReference) -> ArraySlice<UInt8> {
    let start = Int(node.pageNumber.rawValue - Self.slab.first.rawValue) << 12
    return sound[start..<start + 4096]
  }

  private func edit(_ numbers: inout InputNumbers) {
    let kind = numbers.next(UInt8.self)
    let node = nodes[numbers.below(nodes.count)]
    let bytes = guest.bytes(of: node.pageNumber)
    switch kind % 4 {
    case 0:
      let offset = numbers.below(4096)
      let piece = numbers.bytes(Int(numbers.next(UInt8.self)))
      for (index, byte) in zip(offset..<4096, piece) { bytes[index] = byte }
    case 1:
      let other = Array(soundBytes(of: nodes[numbers.below(nodes.count)]))
      let offset = numbers.below(512) * 8
      for index in offset..<min(4096, offset + numbers.below(4096)) { bytes[index] = other[index] }
    case 2: seal(numbers.below(240), of: node, in: bytes)
    default: for (index, byte) in zip(0..<4096, numbers.bytes(4096)) { bytes[index] = byte }
    }
  }

  /// Forges the check code of an entry.
  private func seal(_ entry: Int, of node: NodeReference, in bytes: UnsafeMutableRawBufferPointer) {
    let block = entry / 15 * NodeLayout.Block.bytes
    let position = node.level == 0 ? entry % 15 : entry % NodeLayout.children
    func at(_ leaf: Int, _ interior: Int, _ size: Int) -> Int {
      (node.level == 0 ? block + leaf : interior) + position * size
    }
    let keys = bytes.loadUnaligned(
      fromByteOffset: at(NodeLayout.Block.keys, NodeLayout.Interior.keys, 4), as: UInt64.self)
    let word = bytes.load(fromByteOffset: at(NodeLayout.Block.words, NodeLayout.Interior.words, 8), as: UInt64.self)
    bytes.storeBytes(
      of: NodeLayout.check(keys: keys, word: word, seed: node.seed),
      toByteOffset: at(NodeLayout.Block.checks, NodeLayout.Interior.checks, 4), as: UInt32.self)
  }
}

/// Node pages with anything in them. Since check codes can be forged, an answer may be anything, but it is about the page sought,
/// comes after at most one node a level, and from inside guest memory, beside which nothing can be read.
struct TreeFuzz: FuzzTarget {
  private let edited = EditedTree()
  private let sets = [node_portable, node_avx2, node_avx512].filter(node_has)

  var seeds: [[UInt8]] { edited.seeds }

  func read(_ input: UnsafeRawBufferPointer) {
    edited.edit(by: input)
    let guest = edited.guest
    let tree = guest.tree
    let base = tree.snapshot
    for number in 0..<EditedTree.total {
      let finding = tree.find(page(number))
      precondition(finding.nodesVisited <= NodeLayout.maximumLevel + 1)
      switch finding.answer {
      case .treePage(let found): precondition(found.page == page(number))
      case .protected(let segment): precondition(segment.range.contains(page(number)))
      case .corrupt(let node): precondition(node.rawValue < EditedTree.total)
      case .notMine: break
      }
      let first = node_find_by(
        sets[0], guest.memory.start, guest.memory.pageCount, base.rawValue, UInt32(number))
      for set in sets.dropFirst() {
        let other = node_find_by(set, guest.memory.start, guest.memory.pageCount, base.rawValue, UInt32(number))
        precondition(other.start == first.start && other.word == first.word)
      }
      if number % 16 == 0 { tree.forEachClaim(on: page(number)) { _ in } }
    }
    _ = tree.find(pages(0, EditedTree.total))
    var last: UInt64?
    tree.forEach(in: pages(0, EditedTree.total)) { answer in
      guard case .protected(let segment) = answer else { return }
      // However often segments are forged, the enumeration goes forward.
      precondition(last.map { segment.range.last.rawValue > $0 } ?? true)
      last = segment.range.last.rawValue
    }
  }
}

/// What changes and checks a tree whose nodes hold anything comes to an end, inside guest memory.
struct TreeWriterFuzz: FuzzTarget {
  private let edited = EditedTree()

  var seeds: [[UInt8]] { edited.seeds }

  func read(_ input: UnsafeRawBufferPointer) {
    edited.edit(by: input)
    _ = edited.guest.tree.check()
    guard let writer = try? edited.guest.attach() else { return }
    var store = edited.guest.store
    _ = try? writer.insert(pages(3, 15), actions: .log, region: RegionID(9), through: &store)
    _ = try? writer.remove(pages(0, 50), region: nil, through: &store)
    _ = try? writer.compact(through: &store)
    _ = edited.guest.tree.find(page(5))
  }
}
