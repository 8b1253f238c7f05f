import Addresses
import EPT
import EPTTables
import SeededRandom
import Testing

/// Table sets against a list of pages: what each set lets be done with each page, and where it leads.
@Suite("The table sets")
struct TableSetsProperties {
  /// The slow, obvious model.
  struct Page: Equatable {
    var frame: UInt64?
    var normal: LeafBits = [.write, .execute]
    var integrity: LeafBits

    /// Whether somebody who still sees the page as `self` could do what it does not allow any more.
    func grantsMore(than new: Page, _ bits: KeyPath<Page, LeafBits>) -> Bool {
      guard let frame else { return false }
      return frame != new.frame || !self[keyPath: bits].isSubset(of: new[keyPath: bits])
    }
  }

  /// What the processor makes of a page in a set: rights beside reading, frame, and page size; nil if it is not mapped.
  static func walk(
    _ sets: TableSets, _ page: Int, _ pointer: EPTPointer
  ) -> (rights: LeafBits, frame: UInt64, level: Level)? {
    let address = GuestPageNumber(UInt64(page)).address
    var machine = EPTMachine(memory: sets.memory, eptp: pointer)
    let outcome = machine.access(GuestAccess(address, .dataRead))
    guard case .translated(let found) = outcome else { return nil }
    return (
      LeafBits(rawValue: found.rights.entryBits).intersection([.write, .execute]), found.hpa.rawValue >> 12, found.level
    )
  }

  static func differences(_ sets: TableSets, _ model: [Page]) -> [String] {
    model.indices.compactMap { page in
      let expected = model[page]
      let found = (walk(sets, page, sets.pointers.normal), walk(sets, page, sets.pointers.integrity))
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
    "say what a list of pages says, after any sequence of edits, unmaps, moves, splits and merges, and owe for each right lost",
    arguments: [
      (1, true, true), (2, true, true), (3, true, false), (4, false, false), (5, true, true), (6, true, true),
    ])
  func agreeWithModel(seed: UInt64, twoSets: Bool, strips: Bool) throws {
    print("table sets: seed \(seed)")
    var random = SplitMix64(seed: seed)
    let machine = try Machine(twoSets: twoSets, strips: strips)
    let stripped: LeafBits = twoSets && strips ? [.write] : [.write, .execute]
    var model = (0..<Machine.pages).map { Page(frame: $0, integrity: stripped) }
    try #require(Self.differences(machine.sets, model) == [])
    for step in 0..<300 {
      let first = random.below(Machine.pages)
      let longest = random.pick([1, 4, 512, 1500])
      let count = 1 + random.below(min(UInt64(longest), Machine.pages - first))
      let range = try PageRange(first, count: count)
      let before = model
      let owed = try Self.edit(machine, range, &model, &random, twoSets: twoSets, strips: strips)
      for (old, new) in zip(before, model) where old != new {
        let lost = (old.grantsMore(than: new, \.normal), old.grantsMore(than: new, \.integrity))
        if lost.0 && !owed.contains(number: 0) || lost.1 && !owed.contains(number: twoSets ? 1 : 0) {
          Issue.record("seed \(seed), step \(step): \(old) became \(new), owed \(owed)")
        }
      }
      guard step % 10 == 0 else { continue }
      try #require(Self.differences(machine.sets, model) == [], "seed \(seed), step \(step)")
      try #require(machine.sets.audit() == [], "seed \(seed), step \(step)")
    }
  }

  /// One random edit of sets and model; what it owes.
  static func edit(
    _ machine: Machine, _ range: PageRange, _ model: inout [Page], _ random: inout SplitMix64, twoSets: Bool,
    strips: Bool
  ) throws -> Hierarchies {
    let affected = Int(range.first.rawValue)...Int(range.last.rawValue)
    switch random.below(6) {
    case 0, 1:
      let change: BitsChange = random.oneIn(2) ? .grant(.write) : .withdraw(.write)
      for page in affected {
        model[page].normal = change.applied(to: model[page].normal)
        model[page].integrity = change.applied(to: model[page].integrity)
      }
      return try machine.edit(range, change)
    case 2:
      let normal: BitsChange = random.oneIn(2) ? .grant(.write) : .withdraw(.write)
      let integrity: BitsChange = random.oneIn(2) ? .none : .withdraw(.write)
      for page in affected {
        model[page].normal = normal.applied(to: model[page].normal)
        model[page].integrity = (twoSets ? integrity : normal).applied(to: model[page].integrity)
      }
      return try machine.edit(range, normal, integrity)
    case 3 where twoSets && strips:
      for page in affected { model[page].integrity.insert(.execute) }
      return try machine.edit(range, .none, .grant(.execute))
    case 4:
      let (page, spare) = (range.first.rawValue, Machine.spareFrame(&random))
      let frame: UInt64? = random.oneIn(2) ? nil : random.oneIn(2) ? page : spare
      model[Int(page)].frame = frame
      return try machine.edit { (sets, debt) throws(TableError) in
        try sets.unmap(range.first, owing: &debt)
        if let frame { try sets.map(range.first, to: HostPhysicalAddress(frame << 12), owing: &debt) }
      }
    default: return machine.edit { (sets, debt) throws(Never) in sets.merge(range, owing: &debt) }
    }
  }

  @Test("share every table but the top ones as long as nothing is the driver's")
  func shareEverything() throws {
    let machine = try Machine(twoSets: true, strips: true)
    // Two roots; one table each of levels 3 and 2, and one of level 1 for the pages that fill no large one.
    #expect(machine.sets.pool.used == 5)
  }

  @Test("part on the paths to pages with rights apart, and nowhere else; owe where a right is lost")
  func partOnPaths() throws {
    let machine = try Machine(twoSets: true, strips: true)
    // The large leaf is split in both sets, and the integrity set gets other tables.
    #expect(try machine.edit(PageRange(600, count: 4), .withdraw(.write), BitsChange.none) == machine.sets.hierarchies)
    // A table of level 1 for each set, and a copy of levels 2 and 3 for the integrity set.
    #expect(machine.sets.pool.used == 9)
    #expect(try machine.edit(PageRange(1100, count: 4), .withdraw(.write)) == machine.sets.hierarchies)
    #expect(machine.sets.pool.used == 10)
    // From now on the leaves are there.
    #expect(try machine.edit(PageRange(600, count: 4), .grant(.write), BitsChange.none).isEmpty)
    #expect(try machine.edit(PageRange(600, count: 4), .withdraw(.write), BitsChange.none) == Hierarchies(number: 0))
    #expect(try machine.edit(PageRange(600, count: 4), .none, .withdraw(.write)) == Hierarchies(number: 1))
    #expect(try machine.edit(PageRange(600, count: 4), .withdraw(.write)).isEmpty)
  }

  @Test("use one large leaf for a protected run that fills it")
  func keepLargeLeaves() throws {
    let machine = try Machine(twoSets: true, strips: true)
    try machine.edit(PageRange(500, count: 600), .withdraw(.write))
    let levels: [(page: Int, level: Level)] = [
      (100, .pte), (500, .pte), (512, .pde), (1023, .pde), (1024, .pte), (1099, .pte), (1100, .pte), (1536, .pde),
    ]
    for (page, level) in levels {
      #expect(Self.walk(machine.sets, page, machine.sets.pointers.normal)?.level == level, "page \(page)")
    }
  }

  @Test("come together again after a split, and owe an invalidation for it")
  func mergeAfterSplit() throws {
    let machine = try Machine(twoSets: true, strips: true)
    let before = machine.sets.pool.used
    try machine.edit(PageRange(700, count: 1), .withdraw(.write))
    try machine.edit(PageRange(700, count: 1), .grant(.write))
    let owed = machine.edit { (sets, debt) throws(Never) in
      sets.merge(PageRange(page: GuestPageNumber(700)), owing: &debt)
    }
    #expect(owed == machine.sets.hierarchies)
    #expect(machine.sets.pool.used == before)
    #expect(Self.walk(machine.sets, 700, machine.sets.pointers.normal)?.level == .pde)
  }

  @Test("give sub-page permissions to pages of 4 KiB only, and do not make any of a bit that a large leaf ignores")
  func subPages() throws {
    let machine = try Machine(twoSets: true, strips: false)
    func leaf(_ page: UInt64) -> EPTWalk {
      var nobody = NoObserver()
      let rules = EntryRules(capabilities: .all, controls: .ept)
      return rules.walk(
        GuestPhysicalAddress(page << 12), from: .root(machine.sets.pointers.normal), in: machine.sets.memory, &nobody)
    }
    try machine.edit(PageRange(512, count: 512), .grant(.subPageWrite))
    #expect(leaf(600).level == .pte && leaf(600).entry.hasSubPageWrite)
    // A bit that somebody has left in a large leaf.
    let large = leaf(1200)
    try #require(large.level == .pde)
    machine.sets.memory.store(large.entry.rawValue | EPTEntry.subPageWriteBit, at: large.entryAddress)
    try machine.edit(PageRange(1200, count: 1), .withdraw(.write))
    for page in UInt64(1024)..<1536 { #expect(leaf(page).level == .pte && !leaf(page).entry.hasSubPageWrite) }
  }

  @Test("refuse an edit before changing anything when no page for tables is left")
  func outOfTablePages() throws {
    let machine = try Machine(twoSets: true, strips: true, tables: 5)
    let model = (0..<Machine.pages).map { Page(frame: $0, integrity: [.write]) }
    let range = try PageRange(3, count: 3)
    #expect(throws: TableError.outOfTablePages) { try machine.edit(range, .withdraw(.write), BitsChange.none) }
    #expect(throws: TableError.outOfTablePages) {
      try machine.edit { (sets, debt) throws(TableError) in try sets.unmap(range.first, owing: &debt) }
    }
    #expect(Self.differences(machine.sets, model) == [])
    #expect(machine.sets.audit() == [])
  }
}
