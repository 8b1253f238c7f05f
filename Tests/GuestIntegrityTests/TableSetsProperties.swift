import SeededRandom
import Addresses
import EPT
import Testing

@testable import GuestIntegrity

/// Table sets against a list of pages: what each set lets be done with each page, and where it leads.
@Suite("The table sets")
struct TableSetsProperties {
  /// The slow, obvious model.
  struct Page: Equatable {
    var frame: UInt64?
    var normal: LeafBits = [.write, .execute]
    var integrity: LeafBits
  }

  static let pages: UInt64 = 5 * 512 + 77

  /// Table sets with the memory they lie in.
  final class Machine {
    let memory: HostMemory
    var sets: TableSets

    init(twoSets: Bool, strips: Bool, tables: Int = TableSets.tablesNeeded(pageCount: pages)) throws {
      memory = try #require(HostMemory(byteCount: (pages + UInt64(tables) + 64) << 12))
      let pool = TablePool(first: HostPhysicalAddress(pages << 12), count: tables)
      sets = try TableSets(
        memory: memory.memory, pageCount: pages, pool: pool, twoSets: twoSets, stripsExecution: strips)
    }
  }

  /// What the processor makes of a page in a set: rights beside reading and frame; nil if it is not mapped.
  static func walk(_ sets: TableSets, _ page: Int, _ set: TableSet) -> (rights: LeafBits, frame: UInt64, Level)? {
    let address = GuestPageNumber(UInt64(page)).address
    var machine = EPTMachine(memory: sets.memory, eptp: sets.pointer(of: set))
    let outcome = machine.access(GuestAccess(address, .dataRead))
    guard case .translated(let found) = outcome else { return nil }
    return (
      LeafBits(rawValue: found.rights.entryBits).intersection([.write, .execute]), found.hpa.rawValue >> 12, found.level
    )
  }

  static func differences(_ sets: TableSets, _ model: [Page]) -> [String] {
    model.indices.compactMap { page in
      let expected = model[page]
      let found = (walk(sets, page, .normal), walk(sets, page, .integrity))
      guard let frame = expected.frame else {
        return found.0 == nil && found.1 == nil ? nil : "page \(page) is mapped"
      }
      guard let normal = found.0, let integrity = found.1 else { return "page \(page) is not mapped" }
      guard normal.rights == expected.normal, integrity.rights == expected.integrity, normal.frame == frame,
        integrity.frame == frame
      else { return "page \(page): \(normal), \(integrity), not \(expected)" }
      return nil
    }
  }

  @Test(
    "say what a list of pages says, after any sequence of edits, unmaps, moves, splits and merges",
    arguments: [
      (1, true, true), (2, true, true), (3, true, false), (4, false, false), (5, true, true), (6, true, true),
    ])
  func agreeWithModel(seed: UInt64, twoSets: Bool, strips: Bool) throws {
    var random = SplitMix64(seed: seed)
    let machine = try Machine(twoSets: twoSets, strips: strips)
    let stripped: LeafBits = twoSets && strips ? [.write] : [.write, .execute]
    var model = (0..<Self.pages).map { Page(frame: $0, integrity: stripped) }
    try #require(Self.differences(machine.sets, model) == [])
    let spare = Self.pages + UInt64(TableSets.tablesNeeded(pageCount: Self.pages))
    for step in 0..<300 {
      let first = random.below(Self.pages)
      let longest: UInt64 = [1, 4, 512, 1500].randomElement(using: &random) ?? 1
      let count = 1 + random.below(min(longest, Self.pages - first))
      let range = try #require(PageRange(first: GuestPageNumber(first), count: count) as PageRange?)
      let affected = Int(first)..<Int(first + count)
      switch random.below(6) {
      case 0, 1:
        let change: BitsChange = Bool.random(using: &random) ? .grant(.write) : .withdraw(.write)
        _ = try machine.sets.edit(range, normal: change, integrity: change)
        for page in affected {
          model[page].normal = change.applied(to: model[page].normal)
          model[page].integrity = change.applied(to: model[page].integrity)
        }
      case 2:
        let normal: BitsChange = Bool.random(using: &random) ? .grant(.write) : .withdraw(.write)
        let integrity: BitsChange = Bool.random(using: &random) ? .none : .withdraw(.write)
        _ = try machine.sets.edit(range, normal: normal, integrity: integrity)
        for page in affected {
          model[page].normal = normal.applied(to: model[page].normal)
          model[page].integrity = (twoSets ? integrity : normal).applied(to: model[page].integrity)
        }
      case 3 where twoSets && strips:
        _ = try machine.sets.exposeExecution(of: range)
        for page in affected { model[page].integrity.insert(.execute) }
      case 4:
        _ = try machine.sets.unmap(range.first)
        model[Int(first)].frame = nil
        if Bool.random(using: &random) {
          let frame = Bool.random(using: &random) ? first : spare + random.below(64)
          _ = try machine.sets.map(range.first, to: HostPhysicalAddress(frame << 12))
          model[Int(first)].frame = frame
        }
      default: _ = machine.sets.merge(range)
      }
      guard step % 10 == 0 else { continue }
      try #require(Self.differences(machine.sets, model) == [], "seed \(seed), step \(step)")
      try #require(machine.sets.audit() == [], "seed \(seed), step \(step)")
    }
  }

  @Test("share every table but the top ones as long as nothing is the driver's")
  func shareEverything() throws {
    let machine = try Machine(twoSets: true, strips: true)
    // Two roots; one table each of levels 3 and 2, and one of level 1 for the pages that fill no large one.
    #expect(machine.sets.pool.used == 5)
  }

  @Test("part on the paths to pages with rights apart, and nowhere else")
  func partOnPaths() throws {
    let machine = try Machine(twoSets: true, strips: true)
    let own = try #require(PageRange(first: GuestPageNumber(600), count: 4))
    _ = try machine.sets.edit(own, normal: .withdraw(.write), integrity: .none)
    // A table of level 1 for each set, and a copy of levels 2 and 3 for the integrity set.
    #expect(machine.sets.pool.used == 9)
    let elsewhere = try #require(PageRange(first: GuestPageNumber(1100), count: 4))
    _ = try machine.sets.edit(elsewhere, normal: .withdraw(.write), integrity: .withdraw(.write))
    #expect(machine.sets.pool.used == 10)
  }

  @Test("use one large leaf for a protected run that fills it")
  func keepLargeLeaves() throws {
    let machine = try Machine(twoSets: true, strips: true)
    let range = try #require(PageRange(first: GuestPageNumber(500), count: 600))
    _ = try machine.sets.edit(range, normal: .withdraw(.write), integrity: .withdraw(.write))
    let levels: [(page: Int, level: Level)] = [
      (100, .pte), (500, .pte), (512, .pde), (1023, .pde), (1024, .pte), (1099, .pte), (1100, .pte), (1536, .pde),
    ]
    for (page, level) in levels { #expect(Self.walk(machine.sets, page, .normal)?.2 == level, "page \(page)") }
  }

  @Test("refuse an edit before changing anything when no page for tables is left")
  func outOfTablePages() throws {
    let machine = try Machine(twoSets: true, strips: true, tables: 5)
    let model = (0..<Self.pages).map { Page(frame: $0, integrity: [.write]) }
    let range = try #require(PageRange(first: GuestPageNumber(3), count: 3))
    #expect(throws: TableError.outOfTablePages) {
      _ = try machine.sets.edit(range, normal: .withdraw(.write), integrity: .none)
    }
    #expect(throws: TableError.outOfTablePages) { _ = try machine.sets.unmap(range.first) }
    #expect(Self.differences(machine.sets, model) == [])
    #expect(machine.sets.audit() == [])
  }
}
