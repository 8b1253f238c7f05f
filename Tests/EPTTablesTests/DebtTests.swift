import Addresses
import EPT
import EPTTables
import SeededRandom
import Testing

@Suite("Invalidations owed by edits of the table sets")
struct DebtTests {
  static let kinds: [CachedMachine.Kind] = [
    .init(), .init(strips: false), .init(twoSets: false, strips: false), .init(logs: true),
    .init(twoSets: false, strips: false, logs: true), .init(hasSubPages: true), .init(hasExceptions: true),
    .init(strips: false, logs: true, hasSubPages: true, hasExceptions: true), .init(tables: 12), .init(tables: 10),
  ]

  /// What a run has come to.
  struct Tally {
    var examined = 0
    var edits = 0
    var owing = 0
    var partly = 0
    var refused = 0
    /// Rounds without the INVEPTs owed, and those of them in which that showed.
    var withheld = 0
    var shown = 0
  }

  @Test(
    "suffice: no stale translation answers where each edit is followed by exactly the INVEPTs it owes",
    arguments: kinds.indices)
  func debtsSuffice(index: Int) throws {
    let kind = Self.kinds[index]
    let seed = UInt64(index) + 40
    var random = SplitMix64(seed: seed)
    let machine = try CachedMachine(kind)
    var tally = Tally()
    for round in 0..<600 {
      let range = try Self.range(&random)
      let accesses = (0..<24).map { _ in Self.access(near: range, machine, &random) }
      for access in accesses {
        tally.examined += 1
        let stale = machine.harm(of: access)
        try #require(
          stale == nil, "\(kind), seed \(seed), round \(round), before the edit: \(stale?.description ?? "")")
      }
      let owed = Self.edit(range, machine, &random, &tally)
      let pays = owed.isEmpty || !random.oneIn(25)
      if pays { Self.pay(owed, machine) }
      var isShown = false
      for access in accesses + (0..<24).map({ _ in Self.access(near: range, machine, &random) }) {
        tally.examined += 1
        guard let stale = machine.harm(of: access) else { continue }
        try #require(
          !pays, "\(kind), seed \(seed), round \(round), hierarchy \(access.hierarchy), owed \(owed): \(stale)")
        isShown = true
      }
      guard !pays else { continue }
      tally.withheld += 1
      if isShown { tally.shown += 1 }
      Self.pay(owed, machine)
    }
    print("owed by table sets (\(kind)), seed \(seed): \(tally)")
    #expect(machine.sets.audit() == [] && machine.openView.audit() == [])
    #expect(tally.shown > 0, "an INVEPT withheld does show")
    #expect(tally.owing < tally.edits && tally.partly > 0, "not everything is owed")
    #expect((tally.refused > 0) == (kind.tables != nil), "few tables run out")
  }

  /// Executes the INVEPTs owed.
  static func pay(_ owed: Hierarchies, _ machine: CachedMachine) {
    for number in machine.numbers where owed.contains(number: number) {
      #expect(machine.processor.invept(type: 1, eptp: machine.pointer(number)) == .success)
    }
  }

  /// A range with an end at a boundary of 2 MiB now and then.
  static func range(_ random: inout SplitMix64) throws -> PageRange {
    let last = CachedMachine.pages - 1
    let first = random.oneIn(3) ? random.pick([0, 512, 1024, 1536]) : random.below(last)
    let count = random.pick([1, 1, 3, 40, 512, 600] as [UInt64])
    return try PageRange(first, count: min(count, last - first + 1))
  }

  /// An access to a page of the range or beside it, by linear or guest-physical address.
  static func access(
    near range: PageRange, _ machine: CachedMachine, _ random: inout SplitMix64
  ) -> CachedMachine.Access {
    let near = range.first.rawValue + random.pick([0, 1, 2, range.count - 1, random.below(range.count + 64)])
    let address = (near % CachedMachine.pages) << 12 | random.pick([0, 0x7f8])
    let hierarchy = random.pick(machine.numbers)
    guard random.oneIn(2) else {
      let kind = random.pick([AccessKind.dataRead, .dataWrite, .dataWrite, .codeFetch])
      return .init(hierarchy: hierarchy, target: .physical(GuestAccess(GuestPhysicalAddress(address), kind)))
    }
    let kind = random.pick([AccessKind.read, .write, .write, .fetch])
    return .init(hierarchy: hierarchy, target: .linear(GuestLinearAddress(address), kind, user: false))
  }

  /// One to three random edits; what they owe together, also where one is refused.
  static func edit(
    _ range: PageRange, _ machine: CachedMachine, _ random: inout SplitMix64, _ tally: inout Tally
  ) -> Hierarchies {
    var owed: Hierarchies = []
    do throws(TableError) {
      try InvalidationDebt.settling({ all, _ in owed = all }) { (debt: inout InvalidationDebt) throws(TableError) in
        for _ in 0..<random.pick([1, 1, 1, 2, 3]) { try Self.edit(range, machine, &random, owing: &debt) }
      }
    } catch { tally.refused += 1 }
    tally.edits += 1
    if !owed.isEmpty { tally.owing += 1 }
    if !owed.isEmpty && owed != Hierarchies(rawValue: machine.numbers.reduce(0) { $0 | 1 << $1 }) { tally.partly += 1 }
    return owed
  }

  static func edit(
    _ range: PageRange, _ machine: CachedMachine, _ random: inout SplitMix64, owing debt: inout InvalidationDebt
  ) throws(TableError) {
    let kind = machine.kind
    switch random.below(8) {
    case 0: machine.sets.merge(range, owing: &debt)
    case 1: try machine.remap(range.first, moving: random.oneIn(2), &debt)
    case 2:
      let change: BitsChange = random.oneIn(2) ? .grant(.execute) : .withdraw(.execute)
      try machine.openView.edit(range, normal: change, integrity: change, owing: &debt)
    case 3 where kind.twoSets:
      let change: BitsChange = random.oneIn(3) ? .withdraw(.execute) : .grant(.execute)
      try machine.sets.edit(range, normal: .none, integrity: change, owing: &debt)
    default:
      var bits: LeafBits = [.write, .suppressVE]
      if kind.logs { bits.insert(.dirty) }
      if kind.hasSubPages { bits.insert(.subPageWrite) }
      func change() -> BitsChange {
        let some = LeafBits(rawValue: bits.rawValue & random.next())
        return random.oneIn(2) ? .grant(some) : .withdraw(some)
      }
      let normal = change()
      let integrity = random.pick([normal, .none, change()])
      try machine.sets.edit(range, normal: normal, integrity: integrity, small: random.oneIn(4), owing: &debt)
    }
  }

  @Test("are settled once for all edits, with what they owe together, whether they succeed or fail")
  func settledInAnyCase() throws {
    let machine = try Machine(twoSets: true, strips: true, tables: 6)
    try machine.edit(PageRange(0, count: 1), .withdraw(.write))
    var settled: [(Hierarchies, Int)] = []
    #expect(throws: TableError.outOfTablePages) {
      try InvalidationDebt.settling({ settled.append(($0, $1)) }) { (debt: inout InvalidationDebt) throws(TableError) in
        try machine.sets.edit(
          PageRange(page: GuestPageNumber(0)), normal: .grant(.write), integrity: .grant(.write), owing: &debt)
        try machine.sets.unmap(GuestPageNumber(1), owing: &debt)
        try machine.sets.unmap(GuestPageNumber(600), owing: &debt)
      }
    }
    #expect(settled.map(\.0) == [machine.sets.hierarchies] && settled.map(\.1) == [2])
    InvalidationDebt.settling({ settled.append(($0, $1)) }) { _ in }
    #expect(settled.map(\.0) == [machine.sets.hierarchies, []] && settled.last?.1 == 0)
  }
}
