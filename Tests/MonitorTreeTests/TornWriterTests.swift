import SeededRandom
import Addresses
import Testing

@testable import MonitorTree

/// Performs so many stores, then none: the writer has died there. The publication counts as a store.
struct MortalStore: GuestStore {
  var inner: DirectStore
  var remaining: Int

  mutating func store(_ value: UInt64, at address: GuestPhysicalAddress) -> Bool {
    guard remaining > 0 else { return false }
    remaining -= 1
    return inner.store(value, at: address)
  }

  mutating func publish(_ reference: NodeReference, at base: BasePointer) -> Bool {
    guard remaining > 0 else { return false }
    remaining -= 1
    base.publish(reference)
    return true
  }
}

/// Keeps stores back and performs them in random order, all of them before the publication; of stores to one address the
/// last remains, as memory keeps the order of those.
struct ReorderingStore: GuestStore {
  var inner: DirectStore
  var random: SplitMix64
  var pending: [GuestPhysicalAddress: UInt64] = [:]
  /// Called after each store that is performed.
  var observe: () -> Void

  mutating func store(_ value: UInt64, at address: GuestPhysicalAddress) -> Bool {
    pending[address] = value
    return true
  }

  mutating func publish(_ reference: NodeReference, at base: BasePointer) -> Bool {
    let order = pending.keys.sorted { $0 < $1 }.shuffled(using: &random)
    for (index, address) in order.enumerated() {
      guard let value = pending[address], inner.store(value, at: address) else { return false }
      if index % 64 == 0 { observe() }
    }
    pending.removeAll()
    base.publish(reference)
    return true
  }
}

@Suite("A writer that stops anywhere changes nothing")
struct TornWriterTests {
  enum Operation: String, CaseIterable {
    case insert, remove, setActions, donate, build, compact

    func perform(_ writer: TreeWriter, _ store: inout some GuestStore) throws(TreeError) {
      switch self {
      case .insert: try writer.insert(pages(5, 120), actions: .notify, region: RegionID(7), through: &store)
      case .remove: try writer.remove(pages(30, 90), region: nil, through: &store)
      case .setActions: try writer.setActions(pages(0, 190), actions: .suspend, region: RegionID(2), through: &store)
      case .donate: try writer.donate(pages(360, 3), actions: .log, through: &store)
      case .build:
        let mappings = (0..<40).map { Mapping(pages($0 * 4, 3), actions: .log, region: RegionID(1)) }
        try writer.build(from: mappings, through: &store)
      case .compact: try writer.compact(through: &store)
      }
    }
  }

  private func guest(readers: Int = 0) throws -> TestGuest {
    let guest = TestGuest(pages: 400, readers: readers)
    let writer = try guest.writer(slab: pages(200, 150))
    var store = guest.store
    var random = SplitMix64(seed: 5)
    for _ in 0..<60 {
      let range = pages(UInt64.random(in: 0..<185, using: &random), UInt64.random(in: 1...12, using: &random))
      let region = RegionID(UInt16.random(in: 1...3, using: &random))
      try writer.insert(range, actions: .log, region: region, through: &store)
    }
    return guest
  }

  /// What the tree says about every page, without the part that tells nodes from free pages of the slab.
  private func answers(_ guest: TestGuest) -> [Answer] {
    (0..<UInt64(400)).map { number in
      let answer = guest.tree.find(page(number)).answer
      guard case .treePage = answer else { return answer }
      return .treePage(TreePage(page: UInt32(number), role: .slab, actions: []))
    }
  }

  @Test("after every single store, and the next writer takes over", arguments: Operation.allCases)
  func killedAfterEveryStore(operation: Operation) throws {
    let reference = try guest()
    let before = answers(reference)
    var counting = MortalStore(inner: reference.store, remaining: .max)
    try operation.perform(try reference.attach(), &counting)
    let stores = Int.max - counting.remaining
    let after = answers(reference)
    let victim = try guest()
    for lifetime in 0..<stores {
      let writer = try victim.attach()
      var store = MortalStore(inner: victim.store, remaining: lifetime)
      let base = victim.base.reference
      #expect(throws: TreeError.self) { try operation.perform(writer, &store) }
      #expect(victim.base.reference == base)
      // All pages are looked up where it is cheap, some at every store.
      if lifetime % 61 == 0 || lifetime == stores - 1 {
        try #require(answers(victim) == before, "\(operation) after store \(lifetime)")
        try #require(victim.tree.check() == [])
      } else {
        let probe = UInt64(lifetime * 7919 % 400)
        let answer = victim.tree.find(page(probe)).answer
        if case .treePage = answer { continue }
        try #require(answer == before[Int(probe)])
      }
    }
    // The writer that was refused goes on as well as a new one.
    let writer = try victim.attach()
    var short = MortalStore(inner: victim.store, remaining: stores / 2)
    #expect(throws: TreeError.self) { try operation.perform(writer, &short) }
    var store = victim.store
    try operation.perform(writer, &store)
    #expect(answers(victim) == after)
    #expect(victim.tree.check() == [])
    CaseCount.interleavings.add(stores)
    print("torn writer: \(operation.rawValue) killed after each of \(stores) stores")
  }

  @Test("in whatever order its stores are performed before the publication", arguments: 1...4)
  func reordered(seed: UInt64) throws {
    let guest = try guest()
    for operation in Operation.allCases {
      let before = answers(guest)
      let writer = try guest.attach()
      let tree = guest.tree
      var store = ReorderingStore(inner: guest.store, random: SplitMix64(seed: seed)) {
        for number in stride(from: UInt64(0), to: 400, by: 13) {
          if case .treePage = before[Int(number)] { continue }
          #expect(tree.find(page(number)).answer == before[Int(number)])
        }
      }
      try operation.perform(writer, &store)
      #expect(guest.tree.check() == [], "seed \(seed) \(operation)")
    }
  }

  @Test("and running out of pages is an error of its own, at which every page taken is free again")
  func outOfPages() throws {
    let guest = TestGuest(pages: 4000)
    let writer = try guest.writer(slab: pages(0, 12))
    var store = guest.store
    var inserted: [UInt64] = []
    var refused: UInt64?
    for index in 0..<400 {
      let first = 100 + UInt64(index) * 7
      let base = guest.base.reference
      let counters = writer.counters
      do {
        try writer.insert(pages(first, 2), actions: .log, region: RegionID(1), through: &store)
        inserted.append(first)
      } catch TreeError.outOfPages {
        #expect(guest.base.reference == base)
        #expect(writer.counters == counters)
        refused = first
        break
      }
    }
    let first = try #require(refused)
    for page in inserted { #expect(guest.tree.find(MonitorTreeTests.page(page)).actions == .log) }
    #expect(guest.tree.find(page(first)).answer == .notMine)
    #expect(guest.tree.check() == [])
    // A donation is room enough.
    try writer.donate(pages(20, 10), actions: .blockWrite, through: &store)
    try writer.insert(pages(first, 2), actions: .log, region: RegionID(1), through: &store)
    #expect(guest.tree.find(page(first)).actions == .log)
  }
}
