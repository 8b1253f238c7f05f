import Addresses
import CNodeSearch
import Synchronization
import Testing

@testable import MonitorTree

/// CRC-32C is no secret: a guest that can write a node can make its check codes right, too.
@Suite("Well-formed forgeries in nodes")
struct ForgedContentTests {
  /// What every instruction set, and the slow path, say about a page.
  private static func answers(_ guest: TestGuest, _ number: UInt64) -> [Answer] {
    let base = guest.base.reference
    let fast = InstructionTests.sets.map { set in
      let found = node_find_by(set, guest.memory.start, guest.memory.pageCount, base.rawValue, UInt32(number))
      return Finding(found, nodesVisited: 0)?.answer ?? guest.tree.examine(page(number), from: base).answer
    }
    return fast + [guest.tree.examine(page(number), from: base).answer, guest.tree.find(page(number)).answer]
  }

  /// Rewrites the statements of a leaf, check codes and all.
  private static func forgeLeaf(_ guest: TestGuest, _ node: NodeReference, _ claim: (UInt32) -> Claim) {
    let bytes = guest.bytes(of: node.pageNumber)
    for block in 0..<NodeLayout.blocksPerLeaf {
      let start = block * NodeLayout.Block.bytes
      let header = bytes.loadUnaligned(fromByteOffset: start + NodeLayout.Block.header, as: UInt32.self)
      for slot in 0..<Int(header & 0xff) {
        let keys = bytes.loadUnaligned(fromByteOffset: start + NodeLayout.Block.keys + slot * 4, as: UInt64.self)
        let (key, next) = (UInt32(truncatingIfNeeded: keys), UInt32(truncatingIfNeeded: keys >> 32))
        guard next > key else { continue }
        let word = claim(next - key).word
        bytes.storeBytes(of: word, toByteOffset: start + NodeLayout.Block.words + slot * 8, as: UInt64.self)
        bytes.storeBytes(
          of: NodeLayout.check(keys: keys, word: word, seed: node.seed),
          toByteOffset: start + NodeLayout.Block.checks + slot * 4, as: UInt32.self)
      }
    }
  }

  /// Rewrites the children of an interior node, check codes and all.
  private static func forgeChildren(_ guest: TestGuest, _ node: NodeReference, _ child: NodeReference) {
    let bytes = guest.bytes(of: node.pageNumber)
    let header = bytes.loadUnaligned(fromByteOffset: NodeLayout.Interior.header, as: UInt32.self)
    for slot in 0..<Int(header & 0xff) {
      let keys = bytes.loadUnaligned(fromByteOffset: NodeLayout.Interior.keys + slot * 4, as: UInt64.self)
      bytes.storeBytes(
        of: child.rawValue, toByteOffset: NodeLayout.Interior.words + slot * 8, as: UInt64.self)
      bytes.storeBytes(
        of: NodeLayout.check(keys: keys, word: child.rawValue, seed: node.seed),
        toByteOffset: NodeLayout.Interior.checks + slot * 4, as: UInt32.self)
    }
  }

  @Test(
    "R30 a node on the way to its own page never speaks about that page, however well it is forged",
    arguments: [1, 2, 3, 4] as [UInt64], [NodeShape.tiny, NodeShape()])
  func ownPage(seed: UInt64, shape: NodeShape) throws {
    let (guest, _) = try CorruptionTests.sample(seed: seed, shape)
    var leaves = 0
    for node in try guest.nodes() {
      let number = node.pageNumber.rawValue
      let before = guest.tree.find(node.pageNumber).answer
      guard case .treePage(let treePage) = before, treePage.role != .slab else { continue }
      let bytes = guest.bytes(of: node.pageNumber)
      let saved = Array(bytes)
      let forgeries: [() -> Void] =
        node.level == 0
        ? [
          { Self.forgeLeaf(guest, node) { _ in .none } },
          { Self.forgeLeaf(guest, node) { Claim(pages: $0, region: RegionID(1), actions: []) } },
          { Self.forgeLeaf(guest, node) { Claim(pages: $0, region: .tree, ordinal: 15, actions: []) } },
          { Self.forgeLeaf(guest, node) { _ in Claim(word: .max) } },
        ]
        : [
          { Self.forgeChildren(guest, node, node) },
          { Self.forgeChildren(guest, node, guest.base.reference) },
          {
            Self.forgeChildren(
              guest, node, NodeReference(page: 3, level: node.level - 1, edition: 1, actions: []))
          },
        ]
      if node.level == 0 { leaves += 1 }
      for forge in forgeries {
        forge()
        for answer in Self.answers(guest, number) {
          #expect(answer == before, "seed \(seed), node on page \(number), level \(node.level)")
        }
        bytes.copyBytes(from: saved)
      }
    }
    #expect(leaves > 0, "seed \(seed): no leaf lies on its own search path")
  }

  @Test(
    "a child reference to a page that the guest does not have is called corrupt, and nothing is read there",
    arguments: [0, 1, 2, 0x7fff_ffff - 256] as [UInt32])
  func pastMemory(distance: UInt32) throws {
    let (guest, model) = try CorruptionTests.sample()
    let target = UInt32(CorruptionTests.total) + distance
    var checked = 0
    for node in try guest.nodes() where node.level > 0 {
      let bytes = guest.bytes(of: node.pageNumber)
      let saved = Array(bytes)
      // The right level, edition and check code: only the page is none of the guest's.
      Self.forgeChildren(guest, node, NodeReference(page: target, level: node.level - 1, edition: 5, actions: .log))
      for number in 0..<CorruptionTests.total {
        for answer in Self.answers(guest, number) {
          if case .corrupt(let blamed) = answer {
            checked += 1
            #expect(
              blamed.rawValue == UInt64(target) || model.claims[Int(blamed.rawValue)][.tree] != nil,
              "page \(blamed) blamed")
          } else {
            #expect(model.objection(to: answer, about: number) == nil, "page \(number): \(answer)")
          }
        }
      }
      _ = guest.tree.find(pages(0, CorruptionTests.total))
      guest.tree.forEach(in: pages(0, CorruptionTests.total)) { _ in }
      #expect(guest.tree.check() != [])
      bytes.copyBytes(from: saved)
    }
    #expect(checked > 100)
  }

  // Not decided by any deterministic order of events: a reader that comes online with a plain store may be missed by the
  // writer's scan, which then takes pages back that the reader is about to enter.
  @Test("readers that come and go by the thousand are always seen by a writer that is short of pages")
  func comingAndGoing() throws {
    let guest = TestGuest(pages: 256, readers: 2)
    let writer = try guest.writer(.tiny, slab: pages(200, 12))
    var store = guest.store
    try writer.insert(pages(10, 1), actions: .log, region: RegionID(1), through: &store)
    let (done, wrong, rounds) = (Atomic<Int>.Pointer(), Atomic<Int>.Pointer(), Atomic<Int>.Pointer())
    let deadline = ContinuousClock.now + .milliseconds(700)
    @Sendable func reader(_ index: Int) {
      guard let reader = TreeReader(index, of: guest.base, memory: guest.memory) else { return }
      while done.value.load(ordering: .acquiring) == 0 {
        reader.goOnline()
        // A corrupt answer is a node that was used again under the reader; page 10 is protected at every moment.
        switch reader.tree.find(page(10)).answer {
        case .protected: break
        default: wrong.value.wrappingAdd(1, ordering: .relaxed)
        }
        reader.goOffline()
        rounds.value.wrappingAdd(1, ordering: .relaxed)
      }
    }
    concurrently([
      { reader(0) }, { reader(1) },
      {
        guard let writer = try? guest.attach() else { return }
        var store = guest.store
        var step = UInt64(0)
        while ContinuousClock.now < deadline {
          step += 1
          // A pool this small is used again at once; with readers online it may be short of pages, which is no fault.
          _ = try? writer.setActions(
            pages(10, 1), actions: step % 2 == 0 ? .log : .notify, region: nil, through: &store)
        }
        done.value.store(1, ordering: .releasing)
      },
    ])
    let (lookUps, misses) = (rounds.value.load(ordering: .relaxed), wrong.value.load(ordering: .relaxed))
    #expect(lookUps > 1000)
    #expect(misses == 0, "\(misses) of \(lookUps) look-ups")
  }
}
