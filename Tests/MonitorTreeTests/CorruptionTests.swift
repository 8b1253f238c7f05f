import SeededRandom
import Addresses
import Testing

@testable import MonitorTree

@Suite("Whatever a node's page holds, an answer is right or calls a node corrupt")
struct CorruptionTests {
  static let total: UInt64 = 256

  /// A tree of three levels with overlapping claims and gaps, and the model of it.
  static func sample(seed: UInt64 = 1, _ shape: NodeShape = .tiny) throws -> (guest: TestGuest, model: PageModel) {
    let guest = TestGuest(pages: total)
    let writer = try guest.writer(shape, slab: pages(100, 60))
    var store = guest.store
    var random = SplitMix64(seed: seed)
    var model = PageModel(pages: total)
    model.insert(pages(100, 60), [.blockWrite], .tree)
    for _ in 0..<30 {
      let first = UInt64.random(in: 0..<246, using: &random)
      let range = pages(first, UInt64.random(in: 1...9, using: &random))
      guard !model.isTree(range) else { continue }
      let actions: AlertActions = [.count, .log, .notify].randomElement(using: &random)!
      let region = RegionID(UInt16.random(in: 1...3, using: &random))
      model.insert(range, actions, region)
      try writer.insert(range, actions: actions, region: region, through: &store)
    }
    return (guest, model)
  }

  /// Looks up pages, all or a sample, and requires each answer to be right or corrupt; how many were corrupt.
  private static func probe(
    _ guest: TestGuest, _ model: PageModel, stride: UInt64 = 1, phase: UInt64 = 0, _ place: @autoclosure () -> String
  ) throws -> Int {
    var corrupt = 0
    let tree = guest.tree
    for number in Swift.stride(from: phase % stride, to: total, by: Int(stride)) {
      let answer = tree.find(page(number)).answer
      if case .corrupt(let node) = answer {
        corrupt += 1
        try #require(model.claims[Int(node.rawValue)][.tree] != nil, "\(place()): page \(node) blamed")
        continue
      }
      if let objection = model.objection(to: answer, about: number) { Issue.record("\(place()): \(objection)") }
    }
    return corrupt
  }

  /// What else reads nodes must come to an end, inside guest memory.
  private static func exercise(_ guest: TestGuest) {
    let tree = guest.tree
    _ = tree.find(pages(0, total))
    tree.forEach(in: pages(0, total)) { _ in }
    for number in stride(from: UInt64(0), to: total, by: 17) { tree.forEachClaim(on: page(number)) { _ in } }
    _ = tree.check()
    guard let writer = try? guest.attach() else { return }
    var store = RecordingStore(guest.store)
    _ = try? writer.insert(pages(3, 90), actions: .log, region: RegionID(9), through: &store)
    // A writer on an undetected corruption must still not write outside the slab.
    for address in store.addresses { #expect((100..<160).contains(address.page.rawValue)) }
  }

  @Test("each bit of each node flipped", arguments: [0, 1, 2])
  func everyBit(part: Int) throws {
    let (guest, model) = try Self.sample()
    let nodes = try guest.nodes()
    var cases = 0
    var corrupt = 0
    var harmless = 0
    for (index, node) in nodes.enumerated() where index % 3 == part {
      let bytes = guest.bytes(of: node.pageNumber)
      for bit in 0..<4096 * 8 {
        bytes[bit / 8] ^= 1 << UInt8(bit % 8)
        let found = try Self.probe(guest, model, "node \(node.page) level \(node.level) bit \(bit)")
        bytes[bit / 8] ^= 1 << UInt8(bit % 8)
        cases += 1
        corrupt += found
        harmless += found == 0 ? 1 : 0
      }
    }
    #expect(Self.isSound(guest))
    #expect(corrupt > 0)
    CaseCount.corruptions.add(cases)
    print("bit flips: \(cases) x \(Self.total) pages, \(harmless) without effect, \(corrupt) answers corrupt")
  }

  private static func isSound(_ guest: TestGuest) -> Bool { guest.tree.check() == [] }

  @Test("the invariant checker sees each flipped bit that is in use, and the bits it does not see change no answer")
  func checkerSeesFlips() throws {
    let (guest, model) = try Self.sample()
    for node in try guest.nodes() {
      let bytes = guest.bytes(of: node.pageNumber)
      for bit in stride(from: Int(node.page) % 7, to: 4096 * 8, by: 7) {
        bytes[bit / 8] ^= 1 << UInt8(bit % 8)
        if Self.isSound(guest) {
          let corrupt = try Self.probe(guest, model, stride: 5, phase: UInt64(bit), "node \(node.page) bit \(bit)")
          #expect(corrupt == 0, "node \(node.page) bit \(bit)")
        }
        bytes[bit / 8] ^= 1 << UInt8(bit % 8)
      }
    }
  }

  @Test("words copied, swapped and overwritten at random", arguments: 1...8)
  func randomDamage(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    let (guest, model) = try Self.sample(seed: seed)
    let nodes = try guest.nodes()
    let saved = nodes.map { Array(guest.bytes(of: $0.pageNumber)) }
    var cases = 0
    for _ in 0..<1500 {
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        let bytes = guest.bytes(of: nodes.randomElement(using: &random)!.pageNumber)
        let other = guest.bytes(of: nodes.randomElement(using: &random)!.pageNumber)
        let size = [1, 4, 8, 64, 256, 4096].randomElement(using: &random)!
        let to = Int.random(in: 0..<4096 / size, using: &random) * size
        let from = Int.random(in: 0..<4096 / size, using: &random) * size
        switch Int.random(in: 0..<5, using: &random) {
        case 0: for offset in 0..<size { bytes[to + offset] = UInt8.random(in: 0...255, using: &random) }
        case 1: for offset in 0..<size { bytes[to + offset] = other[from + offset] }
        case 2: for offset in 0..<size { bytes.swapAt(to + offset, from + offset) }
        case 3: for offset in 0..<size { bytes[to + offset] = [0, 0xff, 0x7f].randomElement(using: &random)! }
        default:
          // A word that looks like a reference to any page, at any level.
          let reference = NodeReference(
            page: UInt32.random(in: 0...0x7fff_ffff, using: &random) & [255, 0x7fff_ffff].randomElement(
              using: &random)!,
            level: Int.random(in: 0...7, using: &random), edition: UInt32.random(in: 0...99, using: &random),
            actions: [])
          bytes.storeBytes(of: reference.rawValue, toByteOffset: to & ~7, as: UInt64.self)
        }
      }
      _ = try Self.probe(guest, model, stride: 3, phase: random.next() % 3, "seed \(seed) case \(cases)")
      if cases % 4 == 0 { Self.exercise(guest) }
      for (node, bytes) in zip(nodes, saved) { guest.bytes(of: node.pageNumber).copyBytes(from: bytes) }
      // What exercise() may have published or written beside the nodes is not part of the next case.
      guest.base.publish(nodes[0])
      cases += 1
    }
    CaseCount.corruptions.add(cases)
    print("random damage: seed \(seed), \(cases) cases x \(Self.total / 3) pages")
  }

  @Test("cycles: a node that leads to itself, to its parent or to the base, check codes forged")
  func cycles() throws {
    let (guest, model) = try Self.sample()
    let base = guest.base.reference
    for node in try guest.nodes() where node.level > 0 {
      let bytes = guest.bytes(of: node.pageNumber)
      let saved = Array(bytes)
      for target in [node, base] {
        for position in 0..<NodeLayout.children {
          let at = NodeLayout.Interior.words + position * 8
          bytes.storeBytes(of: target.rawValue, toByteOffset: at, as: UInt64.self)
          let keys = bytes.loadUnaligned(
            fromByteOffset: NodeLayout.Interior.keys + position * 4, as: UInt64.self)
          bytes.storeBytes(
            of: NodeLayout.check(keys: keys, word: target.rawValue, seed: node.seed),
            toByteOffset: NodeLayout.Interior.checks + position * 4, as: UInt32.self)
        }
        // With forged codes a node's page number may be claimed by a statement: such answers may name it a tree page,
        // which it is. Everything else is right or corrupt, and the walk ends.
        let corrupt = try Self.probe(guest, model, "cycle at \(node.page)")
        #expect(corrupt > 0)
        Self.exercise(guest)
        bytes.copyBytes(from: saved)
        guest.base.publish(base)
      }
    }
  }

  @Test("a node of another tree, or an older node of the same page, put in place")
  func foreignAndStale() throws {
    let (guest, model) = try Self.sample(seed: 1)
    let (other, _) = try Self.sample(seed: 2)
    for node in try guest.nodes() {
      let bytes = guest.bytes(of: node.pageNumber)
      let saved = Array(bytes)
      for foreign in try other.nodes() {
        bytes.copyBytes(from: other.bytes(of: foreign.pageNumber))
        // The two guests donated the same pages in the same order, so a foreign node may have the same page and edition:
        // then it is a node of this tree as far as anyone can tell, unless its parent's keys say otherwise.
        guard foreign.identity != node.identity else { continue }
        _ = try Self.probe(guest, model, "node \(foreign.page) of another tree on page \(node.page)")
      }
      bytes.copyBytes(from: saved)
    }
    // Stale: every change moves nodes; pages come back with later editions.
    let writer = try guest.attach()
    var store = guest.store
    var snapshots: [UInt32: [[UInt8]]] = [:]
    for round in 0..<200 {
      for node in try guest.nodes() {
        snapshots[node.page, default: []].append(Array(guest.bytes(of: node.pageNumber)))
      }
      let range = pages(UInt64(round * 37 % 90), 1)
      try writer.setActions(range, actions: round % 2 == 0 ? .log : .notify, region: nil, through: &store)
    }
    var current = PageModel(pages: Self.total)
    for number in 0..<Self.total {
      guest.tree.forEachClaim(on: page(number)) { current.claims[Int(number)][$0.region] = $0.actions }
      if model.claims[Int(number)][.tree] != nil { current.claims[Int(number)] = model.claims[Int(number)] }
    }
    var cases = 0
    for node in try guest.nodes() {
      let bytes = guest.bytes(of: node.pageNumber)
      let saved = Array(bytes)
      for stale in snapshots[node.page] ?? [] where stale != saved {
        bytes.copyBytes(from: stale)
        _ = try Self.probe(guest, current, stride: 3, "stale node on page \(node.page)")
        cases += 1
      }
      bytes.copyBytes(from: saved)
    }
    #expect(cases > 10)
    CaseCount.corruptions.add(cases)
  }

  @Test("a base pointer to anything at all, though nobody can write it")
  func anyBase() throws {
    let (guest, _) = try Self.sample()
    var random = SplitMix64(seed: 77)
    for _ in 0..<3000 {
      guest.base.publish(
        NodeReference(rawValue: random.next() & (Bool.random(using: &random) ? .max : 0x1ff_ffff_ffff)))
      for number in stride(from: UInt64(0), to: Self.total, by: 19) { _ = guest.tree.find(page(number)) }
      _ = guest.tree.check()
    }
  }
}
