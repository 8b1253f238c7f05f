import SeededRandom
import Addresses
import Testing

@testable import MonitorTree

@Suite("Requirements R20-R32, for random trees")
struct RequirementTests {
  /// A random tree, and an oracle that compares a page with every node and every mapping.
  struct Sample {
    let guest = TestGuest(pages: 800)
    let writer: TreeWriter
    var random: SplitMix64

    init(seed: UInt64, changes: Int = 120) throws {
      random = SplitMix64(seed: seed)
      writer = try guest.writer(slab: pages(200, 200), actions: [.blockWrite])
      var store = guest.store
      for _ in 0..<changes {
        let first = UInt64.random(in: 0..<780, using: &random)
        let actions: AlertActions = [.count, .log, .notify].randomElement(using: &random)!
        let range = pages(first, UInt64.random(in: 1...20, using: &random))
        do {
          try writer.insert(
            range, actions: actions, region: RegionID(UInt16.random(in: 1...3, using: &random)), through: &store)
        } catch TreeError.overlapsTree {}
      }
    }

    /// Exhaustive walk: the kind of a page's answer and its actions.
    func oracle() throws -> [String] {
      var claims = [[Claim]](repeating: [], count: 800)
      var onOwnPath: [UInt32: AlertActions] = [:]
      let top = guest.base.reference
      onOwnPath[top.page] = top.actions
      func own(_ page: UInt32, _ children: [Child]) {
        // A node is on the search path of its own number if its parent's entry for that number leads to it.
        if let child = children.last(where: { $0.key <= page }), child.reference.page == page {
          onOwnPath[page] = child.reference.actions
        }
      }
      var spans: [UInt32: ClosedRange<UInt32>] = [top.page: 0...NodeLayout.endMark]
      try guest.memory.visit(top) { (_, entries) throws(TreeError) in
        for entry in entries {
          for page in entry.key..<entry.key + entry.claim.pages { claims[Int(page)].append(entry.claim) }
        }
      } interior: { (node, children) throws(TreeError) in
        let span = spans[node.page]!
        for (index, child) in children.enumerated() {
          let end = index + 1 < children.count ? children[index + 1].key : span.upperBound
          spans[child.reference.page] = child.key...end
          if span.contains(child.reference.page), (child.key..<end).contains(child.reference.page) {
            own(child.reference.page, children)
          }
        }
      }
      return (0..<800).map { number in
        if let actions = onOwnPath[UInt32(number)] { return "tree \(actions.rawValue)" }
        let actions = claims[number].reduce(into: AlertActions()) { $0.formUnion($1.actions) }
        guard !claims[number].isEmpty else { return "not mine" }
        return (claims[number].contains(where: \.isTree) ? "tree " : "protected ") + "\(actions.rawValue)"
      }
    }
  }

  private static func text(_ answer: Answer) -> String {
    switch answer {
    case .notMine: "not mine"
    case .protected(let segment): "protected \(segment.actions.rawValue)"
    case .treePage(let page): "tree \(page.actions.rawValue)"
    case .corrupt(let page): "corrupt \(page.rawValue)"
    }
  }

  @Test("R20-R26: the walk says what comparing with every node and every mapping says", arguments: 1...20)
  func exhaustiveWalk(seed: UInt64) throws {
    let sample = try Sample(seed: seed)
    let expected = try sample.oracle()
    let tree = sample.guest.tree
    for number in 0..<800 {
      let finding = tree.find(page(UInt64(number)))
      #expect(Self.text(finding.answer) == expected[number], "seed \(seed) page \(number)")
      #expect(finding.nodesVisited <= sample.writer.counters.depth)
    }
  }

  @Test("R20, R21: a node is one page, and mappings lie in leaves")
  func oneNodeOnePage() throws {
    let sample = try Sample(seed: 20)
    let nodes = try sample.guest.nodes()
    #expect(Set(nodes.map(\.page)).count == nodes.count)
    #expect(nodes.count == sample.writer.counters.nodes)
    for node in nodes {
      let header = sample.guest.bytes(of: node.pageNumber).load(
        fromByteOffset: node.level == 0 ? NodeLayout.Block.header : NodeLayout.Interior.header, as: UInt32.self)
      #expect(header >> 8 & 7 == UInt32(node.level))
    }
  }

  @Test("R22, R24, R37: a write to any node's page is a write to the tree", arguments: 1...10)
  func everyNodePage(seed: UInt64) throws {
    let sample = try Sample(seed: seed)
    for node in try sample.guest.nodes() {
      guard case .treePage(let found) = sample.guest.tree.find(node.pageNumber).answer else {
        Issue.record("seed \(seed): node \(node.page) is not told as a page of the tree")
        continue
      }
      #expect(found.page == node.pageNumber && !found.actions.isEmpty)
    }
  }

  @Test("R23: the walk starts at the base pointer: another base, another tree")
  func basePointer() throws {
    let guest = TestGuest(pages: 300)
    let one = try guest.writer(slab: pages(0, 40))
    var store = guest.store
    try one.insert(pages(100, 10), actions: .log, region: RegionID(1), through: &store)
    let first = guest.base.reference
    guest.base.publish(NodeReference(rawValue: 0))
    let two = try guest.writer(slab: pages(40, 40))
    try two.insert(pages(200, 10), actions: .log, region: RegionID(1), through: &store)
    #expect(guest.tree.find(page(100)).answer == .notMine)
    #expect(guest.tree.find(page(200)).answer != .notMine)
    guest.base.publish(first)
    #expect(guest.tree.find(page(100)).answer != .notMine)
    #expect(guest.tree.find(page(200)).answer == .notMine)
  }

  @Test("R25: first, middle and last page of a range are protected, the pages just outside are not", arguments: 1...20)
  func edges(seed: UInt64) throws {
    var sample = try Sample(seed: seed, changes: 0)
    var store = sample.guest.store
    let first = UInt64.random(in: 1..<100, using: &sample.random)
    let length = UInt64.random(in: 1...80, using: &sample.random)
    try sample.writer.insert(pages(first, length), actions: .log, region: RegionID(1), through: &store)
    let tree = sample.guest.tree
    for inside in [first, first + length / 2, first + length - 1] {
      #expect(tree.find(page(inside)).actions == .log)
    }
    for outside in [first - 1, first + length] { #expect(tree.find(page(outside)).answer == .notMine) }
  }

  @Test("R28: protection outside guest memory is refused and changes nothing")
  func outsideGuestMemory() throws {
    let sample = try Sample(seed: 28)
    var store = sample.guest.store
    let before = sample.guest.base.reference
    for range in [pages(800, 1), pages(799, 2), pages(0, 801), pages(1 << 40, 1), pages((1 << 52) - 1, 1)] {
      #expect(throws: TreeError.outsideGuestMemory(range)) {
        try sample.writer.insert(range, actions: .log, region: RegionID(1), through: &store)
      }
      #expect(throws: TreeError.outsideGuestMemory(range)) {
        try sample.writer.donate(range, actions: .log, through: &store)
      }
    }
    #expect(sample.guest.base.reference == before)
    #expect(sample.guest.tree.find(page(800)).answer == .notMine)
    #expect(sample.guest.tree.find(page(1 << 51)).answer == .notMine)
    #expect(sample.guest.tree.find(page(.max)).answer == .notMine)
  }

  @Test("R29: base, interior, leaf and two mappings have five distinct actions and give five distinct results")
  func fiveActions() throws {
    let sample = try Sample(seed: 29)
    var store = sample.guest.store
    try sample.writer.remove(pages(0, 20), region: nil, through: &store)
    try sample.writer.insert(pages(5, 1), actions: .count, region: RegionID(1), through: &store)
    try sample.writer.insert(pages(9, 1), actions: .notify, region: RegionID(1), through: &store)
    let findings = (0..<UInt64(800)).map { sample.guest.tree.find(page($0)) }
    func actions(_ role: TreePage.Role) -> Set<AlertActions> {
      Set(
        findings.compactMap {
          guard case .treePage(let found) = $0.answer, found.role == role else { return nil }
          return found.actions
        })
    }
    #expect(actions(.base) == [[.powerOff]])
    #expect(actions(.interior) == [[.suspend]])
    #expect(actions(.leaf) == [[.inject]])
    #expect(actions(.slab) == [[.blockWrite]])
    #expect(findings[5].actions == .count)
    #expect(findings[9].actions == .notify)
  }

  @Test("R30: what a node on the path holds has no part in telling that its page is the tree's")
  func identityBeforeContent() throws {
    let sample = try Sample(seed: 30)
    let tree = sample.guest.tree
    var told = 0
    for node in try sample.guest.nodes() {
      let finding = tree.find(node.pageNumber)
      guard case .treePage(let found) = finding.answer, found.role != .slab else { continue }
      let bytes = sample.guest.bytes(of: node.pageNumber)
      let saved = Array(bytes)
      bytes.initializeMemory(as: UInt8.self, repeating: 0)
      #expect(tree.find(node.pageNumber) == finding)
      bytes.copyBytes(from: saved)
      // It was not read: only the nodes above it were.
      #expect(finding.nodesVisited == sample.guest.base.reference.level - node.level)
      told += 1
    }
    #expect(told >= 3)
  }

  @Test("R32: every store that erases a mapping goes to a page of the tree", arguments: 1...5)
  func erasure(seed: UInt64) throws {
    let sample = try Sample(seed: seed)
    var store = RecordingStore(DirectStore(sample.guest.memory))
    let before = try sample.oracle()
    try sample.writer.remove(pages(0, 190), region: nil, through: &store)
    #expect(!store.addresses.isEmpty)
    #expect(store.publications == 1)
    for address in store.addresses { #expect(before[Int(address.page.rawValue)].hasPrefix("tree")) }
  }
}

/// Remembers where stores go.
struct RecordingStore: GuestStore {
  var inner: DirectStore
  var addresses: [GuestPhysicalAddress] = []
  var publications = 0

  init(_ inner: DirectStore) { self.inner = inner }

  mutating func store(_ value: UInt64, at address: GuestPhysicalAddress) -> Bool {
    addresses.append(address)
    return inner.store(value, at: address)
  }

  mutating func publish(_ reference: NodeReference, at base: BasePointer) -> Bool {
    publications += 1
    base.publish(reference)
    return true
  }
}
