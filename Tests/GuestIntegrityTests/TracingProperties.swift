import Addresses
import EPT
import EPTTables
import MonitorTree
import SeededRandom
import Testing

@testable import GuestIntegrity

/// The tracing service with several clients, against a list of who has asked for what.
@Suite("The tracing service")
struct TracingProperties {
  static let pages = Fixture.pages(0x2000, 1200)

  @Test(
    "refuses writes to a page as long as one client traces it, and names those that do",
    arguments: [.eptpByExit, .filterByMode] as [any Switching], [1, 2, 3] as [UInt64])
  func againstModel(switching: any Switching, seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    let fixture = try Fixture.armed(switching)
    let hypervisor = fixture.hypervisor
    let clients = try (0..<3).map { _ in try #require(hypervisor.addTraceClient()) }
    var counts: [UInt64: [Int]] = [:]
    var claimed: Set<UInt64> = []
    fixture.enter()
    for step in 0..<200 {
      let first = Self.pages.first.rawValue + random.below(Self.pages.count)
      let longest: UInt64 = [2, 40, 900].randomElement(using: &random) ?? 1
      let range = Fixture.pages(first, 1 + random.below(min(longest, Self.pages.last.rawValue + 1 - first)))
      let pages = range.all.map(\.rawValue)
      let client = Int(random.below(3))
      switch random.below(6) {
      case 0, 1:
        try hypervisor.trace(range, for: clients[client], on: 0)
        for page in pages { counts[page, default: [0, 0, 0]][client] += 1 }
      case 2, 3:
        // Also where the client traces nothing: that is nobody's loss.
        try hypervisor.untrace(range, for: clients[client], on: 0)
        for page in pages {
          let count = counts[page]?[client] ?? 0
          counts[page]?[client] = max(0, count - 1)
        }
      case 4:
        try #require(fixture.protect(range) == .success)
        claimed.formUnion(pages)
      default:
        fixture.unprotect(range)
        claimed.subtract(pages)
      }
      guard step % 20 == 19 else { continue }
      for page in Self.pages.all {
        var expected: ClientSet = claimed.contains(page.rawValue) ? .protection : []
        for (index, count) in (counts[page.rawValue] ?? []).enumerated() where count > 0 {
          expected.formUnion(clients[index].set)
        }
        try #require(
          hypervisor.monitor.tracing.clients(of: page) == expected, "seed \(seed), step \(step), page \(page)")
        for set in [TableSet.normal, .integrity] {
          let mayWrite = PageView(page, in: set, of: fixture)?.rights.contains(.write)
          try #require(mayWrite == expected.isEmpty, "seed \(seed), step \(step), page \(page), set \(set)")
        }
      }
      try #require(hypervisor.audit() == [], "seed \(seed), step \(step)")
    }
    // Whose write was it? Everybody who traces the page is told, guest integrity by an alert.
    let page = Self.pages.first
    try hypervisor.trace(PageRange(page: page), for: clients[1], on: 0)
    let verdict = try #require(fixture.write(page: page))
    #expect(verdict.otherClients.contains(clients[1].set))
    #expect(verdict.isAlert == claimed.contains(page.rawValue))
  }

  @Test("takes rights back where tables run out half-way, and owes for what it has split by then")
  func outOfTablesHalfWay() throws {
    let pages: UInt64 = 4 * 512
    let memory = try #require(HostMemory(byteCount: (pages + 4) << 12))
    // Three tables map the pages, and one large leaf can be split.
    let tables = try TableSets(
      memory: memory.memory, pageCount: pages, pool: FramePool(first: HostPhysicalAddress(pages << 12), count: 4),
      twoSets: false, stripsExecution: false)
    var service = TracingService(tables: tables, needsSmallLeaves: false) { ViolationExit().bits(of: $0) }
    let added = service.addClient()
    let client = try #require(added)
    var settled: [(owed: Hierarchies, edits: Int)] = []
    func apply(_ change: TraceMap.Change, _ range: PageRange) throws(TableError) {
      try InvalidationDebt.settling({ settled.append(($0, $1)) }) { (debt: inout InvalidationDebt) throws(TableError) in
        try service.apply(change, to: range, owing: &debt)
      }
    }
    try apply(.count(client), Fixture.pages(512, 512))
    let before = service.map
    // Before, within and behind what the client traces: three runs, the third of which finds no table any more.
    #expect(throws: TableError.outOfTablePages) { try apply(.add(.protection), Fixture.pages(100, 1100)) }
    #expect(settled.map(\.owed) == [service.tables.hierarchies, service.tables.hierarchies])
    #expect(settled.last?.edits == 512 + 1 + 2 * 412, "a table filled, an entry for it, rights taken and given back")
    #expect(service.map == before && service.tables.pool.available == 0 && service.tables.audit() == [])
    var machine = EPTMachine(memory: memory.memory, eptp: service.tables.pointers.normal)
    for page in 0..<pages {
      let outcome = machine.access(GuestAccess(GuestPhysicalAddress(page << 12), .dataWrite))
      if case .translated = outcome { #expect(page >> 9 != 1) } else { #expect(page >> 9 == 1) }
    }
  }

  @Test("has room for six counted clients, and for as many traces as a count can hold")
  func limits() throws {
    let fixture = try Fixture.armed()
    let hypervisor = fixture.hypervisor
    let clients = (0..<7).map { _ in hypervisor.addTraceClient() }
    #expect(clients.prefix(6).allSatisfy { $0 != nil } && clients[6] == nil)
    let client = try #require(clients[5])
    let page = PageRange(page: GuestPageNumber(0x3000))
    for _ in 0..<70_000 { try hypervisor.trace(page, for: client, on: 0) }
    for _ in 0..<70_000 { try hypervisor.untrace(page, for: client, on: 0) }
    // A count that has reached its limit is not known any more: the page stays traced rather than be lost.
    #expect(fixture.write(page: page.first)?.otherClients == client.set)
    #expect(throws: TraceError.outsideGuestMemory) {
      try hypervisor.trace(Fixture.pages(Fixture.ramPages - 1, 2), for: client, on: 0)
    }
  }

  @Test(
    "hold what differs page by page, and give it up where pages are alike again: work anywhere takes the room of one place"
  )
  func room() throws {
    var map = TraceMap(pages: 64 << 12)
    let added = map.addClient()
    let client = try #require(added)
    #expect(map.heldValues == 0)
    for span in 0..<64 as Range<UInt64> {
      let page = PageRange(page: GuestPageNumber(span << 12 + 77))
      let whole = Fixture.pages(span << 12, 1 << 12)
      _ = map.apply(.add(.protection), to: page)
      _ = map.apply(.count(client), to: page)
      #expect(map.heldValues == 2 << 12, "span \(span)")
      // Alike again, in a change of the whole span or of more than it.
      let range = span % 2 == 0 ? whole : Fixture.pages(0, (span + 1) << 12)
      _ = map.apply(.discount(client), to: range)
      _ = map.apply(.drop(.protection), to: range)
    }
    #expect(map.isUntouched(clients: 1))
  }
}
