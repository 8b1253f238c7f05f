import Addresses
import EPT
import SeededRandom
import Testing

@testable import EPTTables

@Suite("The audit of the table sets")
struct AuditTests {
  /// Sets with small and large leaves, shared tables and tables apart.
  static func machine() throws -> Machine {
    let machine = try Machine(twoSets: true, strips: true)
    try machine.edit(PageRange(600, count: 4), .withdraw(.write), BitsChange.none)
    try machine.edit(PageRange(1100, count: 4), .withdraw(.write))
    try machine.edit(PageRange(1600, count: 2), .none, .grant(.execute))
    return machine
  }

  /// Where the entry of a level lies that the walk for a page meets.
  static func slot(_ page: UInt64, _ level: Level, _ root: HostPhysicalAddress, _ sets: TableSets)
    -> HostPhysicalAddress
  {
    var table = root
    for above in [Level.pml4e, .pdpte, .pde] where above > level {
      table = sets.read(above.index(ofPage: page), of: table).address
    }
    return table.qword(level.index(ofPage: page))
  }

  @Test("finds exactly the entries whose walk would misconfigure, before any access meets them", arguments: 1...40)
  func misconfigurations(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    let machine = try Self.machine()
    try #require(machine.sets.audit() == [], "sound sets are clean")
    for _ in 0..<4 {
      let page = random.below(machine.sets.pageCount)
      let pointer = random.oneIn(2) ? machine.sets.pointers.normal : machine.sets.pointers.integrity
      var nobody = NoObserver()
      let walk = machine.sets.rules.walk(
        GuestPhysicalAddress(page << 12), from: .root(pointer), in: machine.sets.memory, &nobody)
      let level = random.pick(Level.fourLevels.filter { $0 >= walk.level })
      let address = level == walk.level ? walk.entryAddress : Self.slot(page, level, pointer.root, machine.sets)
      let low: UInt64 = level == walk.level ? level.offsetMask & ~0xfff & 0x1_1000 : 0x78
      let bad = random.pick([
        1 << 51, 1 << 46, level == walk.level ? 0x8 : low, level == .pml4e ? 0x80 : 1 << 50, low | 1 << 49,
      ])
      machine.sets.memory.store(machine.sets.memory.load(address) ^ bad, at: address)
    }
    var expected: Set<HostPhysicalAddress> = []
    for page in 0..<machine.sets.pageCount {
      for pointer in [machine.sets.pointers.normal, machine.sets.pointers.integrity] {
        var nobody = NoObserver()
        let walk = machine.sets.rules.walk(
          GuestPhysicalAddress(page << 12), from: .root(pointer), in: machine.sets.memory, &nobody)
        if walk.end == .misconfigured { expected.insert(walk.entryAddress) }
      }
    }
    let findings = machine.sets.audit().filter { $0.misconfigured != nil }
    #expect(Set(findings.map(\.misconfigured)) == Set(expected.map { $0 }), "seed \(seed): \(findings)")
    #expect(!expected.isEmpty && findings.count == expected.count, "seed \(seed)")
    for finding in findings { #expect(finding.description.contains(" EPT P"), "\(finding)") }
  }

  /// One fault: what is stored where, and what the audit has to say of it.
  struct Fault: CustomStringConvertible, Sendable {
    let description: String
    let plant: @Sendable (TableSets) -> Void

    init(
      _ description: String, _ page: UInt64, _ level: Level, integrity: Bool,
      _ change: @escaping @Sendable (UInt64) -> UInt64
    ) {
      self.description = description
      plant = { sets in
        let slot = AuditTests.slot(page, level, integrity ? sets.roots.integrity : sets.roots.normal, sets)
        sets.memory.store(change(sets.memory.load(slot)), at: slot)
      }
    }
  }

  static let faults = [
    Fault("page 0x258 leads to different frames", 600, .pte, integrity: true) { $0 ^ 0x1000 },
    Fault("page 0x258 is mapped in one set only", 600, .pte, integrity: false) { _ in 1 << 63 },
    Fault("page 0x258 may not be read", 600, .pte, integrity: true) { $0 & ~7 | 4 },
    Fault("page 0x200 has rights withheld above its leaf", 600, .pde, integrity: false) { $0 & ~2 },
    Fault("page 0x200 has rights withheld above its leaf", 600, .pde, integrity: true) { $0 & ~2 },
    Fault("page 0x200 differs in page size", 600, .pde, integrity: true) { _ in 512 << 12 | 0xb7 },
    Fault("page 0x200 has a table outside the pool", 600, .pde, integrity: true) { $0 & 7 | 0x1000 },
    Fault("page 0x200 has no table below its entry of level 2", 600, .pde, integrity: true) { _ in 0 },
    Fault("page 0xa4d maps memory past the guest's", Machine.pages, .pte, integrity: false) { _ in 0x1037 },
  ]

  @Test("names each fault in the structure of the sets", arguments: faults.indices)
  func structure(index: Int) throws {
    let machine = try Self.machine()
    Self.faults[index].plant(machine.sets)
    let findings = machine.sets.audit().map(\.description)
    #expect(findings.contains { $0.contains(Self.faults[index].description) }, "\(findings)")
  }

  @Test("counts the references to tables")
  func references() throws {
    let machine = try Self.machine()
    let normal = machine.sets.memory.load(Self.slot(600, .pde, machine.sets.roots.normal, machine.sets))
    machine.sets.memory.store(normal, at: Self.slot(600, .pde, machine.sets.roots.integrity, machine.sets))
    let findings = machine.sets.audit().map(\.description)
    #expect(findings.contains { $0.contains("referred to 2 times, not as often as the pool says") }, "\(findings)")
    #expect(findings.contains { $0.contains("table pages are taken") }, "\(findings)")
  }

  @Test("ends on tables that refer to themselves")
  func circular() throws {
    let machine = try Self.machine()
    for root in [machine.sets.roots.normal, machine.sets.roots.integrity] {
      machine.sets.memory.fill(root, with: root.rawValue | 7)
    }
    #expect(!machine.sets.audit().isEmpty)
    for root in [machine.sets.roots.normal, machine.sets.roots.integrity] { machine.sets.memory.fill(root, with: ~0) }
    #expect(machine.sets.audit().count { $0.misconfigured != nil } == 1024)
  }
}
