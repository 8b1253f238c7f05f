import Addresses
import CNodeSearch

@testable import MonitorTree

/// Node pages with anything in them, also with check codes that were computed for it.
///
/// An input is a list of edits to the nodes of a sound tree of three levels. Since check codes can be forged, an answer may be
/// anything, but it is about the page sought, comes after at most one node a level, and from inside guest memory, beside
/// which nothing can be read.
struct TreeFuzz: FuzzTarget {
  private let guest: TestGuest
  private let nodes: [NodeReference]
  private let sound: [[UInt8]]
  private static let total: UInt64 = 256

  init() {
    guest = TestGuest(pages: Self.total)
    do {
      let writer = try guest.writer(.tiny, slab: pages(100, 60))
      var store = guest.store
      for index in 0..<UInt64(30) {
        let first = index * 7919 % 240
        guard first + 9 < 100 || first >= 160 else { continue }
        try writer.insert(
          pages(first, index % 9 + 1), actions: index % 2 == 0 ? .log : .notify,
          region: RegionID(UInt16(index % 3 + 1)),
          through: &store)
      }
      nodes = try guest.nodes()
    } catch { fatalError("no tree to start from: \(error)") }
    sound = nodes.map { [guest] in Array(guest.bytes(of: $0.pageNumber)) }
  }

  var seeds: [[UInt8]] {
    var seeds: [[UInt8]] = [[]]
    for (index, node) in nodes.enumerated() {
      let at = node.level == 0 ? NodeLayout.Block.words : NodeLayout.Interior.words
      seeds.append([0, UInt8(index), 0, UInt8(at & 255), UInt8(at >> 8), 8, 1, 2, 3, 4, 5, 6, 7, 8])
      seeds.append([1, UInt8(index), 0, UInt8(index / 2), 0, 0, 0, 64, 0])
      seeds.append([0, UInt8(index), 0, UInt8(at & 255), UInt8(at >> 8), 4, 9, 9, 9, 9, 2, UInt8(index), 0, 0, 0])
      seeds.append([3, UInt8(index), 0] + sound[(index + 1) % sound.count])
    }
    return seeds
  }

  func read(_ input: UnsafeRawBufferPointer) {
    for (node, bytes) in zip(nodes, sound) { guest.bytes(of: node.pageNumber).copyBytes(from: bytes) }
    guest.base.publish(nodes[0])
    var numbers = InputNumbers(input)
    while !numbers.isEmpty { edit(&numbers) }
    lookUp()
    change()
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
      let other = sound[numbers.below(sound.count)]
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

  private func lookUp() {
    let tree = guest.tree
    let base = tree.snapshot
    let sets = [node_portable, node_avx2, node_avx512].filter(node_has)
    for number in 0..<Self.total {
      let finding = tree.find(page(number))
      precondition(finding.nodesVisited <= NodeLayout.maximumLevel + 1)
      switch finding.answer {
      case .treePage(let found): precondition(found.page == page(number))
      case .protected(let segment): precondition(segment.range.contains(page(number)))
      case .corrupt(let node): precondition(node.rawValue < Self.total)
      case .notMine: break
      }
      let decisions = sets.map {
        node_find_by($0, guest.memory.start, guest.memory.pageCount, base.rawValue, UInt32(number))
      }
      precondition(decisions.allSatisfy { $0.start == decisions[0].start && $0.word == decisions[0].word })
      if number % 16 == 0 { tree.forEachClaim(on: page(number)) { _ in } }
    }
    _ = tree.find(pages(0, Self.total))
    var last: UInt64?
    tree.forEach(in: pages(0, Self.total)) { answer in
      guard case .protected(let segment) = answer else { return }
      // However often segments are forged, the enumeration goes forward.
      precondition(last.map { segment.range.last.rawValue > $0 } ?? true)
      last = segment.range.last.rawValue
    }
    _ = tree.check()
  }

  private func change() {
    guard let writer = try? guest.attach() else { return }
    // Where the next edits may find them, the sound nodes are put back.
    var store = guest.store
    _ = try? writer.insert(pages(3, 90), actions: .log, region: RegionID(9), through: &store)
    _ = try? writer.remove(pages(0, 50), region: nil, through: &store)
    _ = try? writer.compact(through: &store)
    _ = guest.tree.find(page(5))
  }
}
