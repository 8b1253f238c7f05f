import SeededRandom
import Addresses
import Testing

@testable import EPT

@Suite("EPT lint")
struct LintTests {
  @Test("finds exactly the entries whose walk would misconfigure, before any access meets them")
  func findsAll() throws {
    try Claims.table("lint") {
      var random = SplitMix64(seed: 21)
      for round in 0..<40 {
        let memory = SparseMemory()
        let rules = EntryRules(capabilities: .all, controls: .ept)
        var tables = PageTables(
          memory: memory, frames: FrameAllocator(first: HostPhysicalAddress(0x10_0000), count: 64), rules: rules)
        let root = try tables.makeRoot()
        let range = try #require(PageRange(first: GuestPageNumber(0), count: 1536))
        _ = try tables.map(range, to: HostPhysicalAddress(0), in: root).scope
        let middle = try #require(PageRange(first: GuestPageNumber(512), count: 512))
        _ = try tables.split(middle, to: .pte, in: root).scope
        claim(lint(EPTPointer(root: root), in: memory, rules: rules).isEmpty, "a built hierarchy is clean")
        for _ in 0..<4 {
          let page = GuestPageNumber(random.next() % 1536)
          let (entry, level, address) = tables.entry(for: page, in: root)
          let bad: UInt64 = random.pick([1 << 51, 1 << 46, 0x10, 1 << 12 & level.offsetMask])
          memory.store(entry.rawValue ^ bad, at: address)
        }
        let findings = lint(EPTPointer(root: root), in: memory, rules: rules)
        var expected: Set<HostPhysicalAddress> = []
        for page in UInt64(0)..<1536 {
          var nobody = NoObserver()
          let walk = rules.walk(
            GuestPhysicalAddress(page << 12), from: .root(EPTPointer(root: root)), in: memory, &nobody)
          if walk.end == .misconfigured { expected.insert(walk.entryAddress) }
        }
        claim(Set(findings.map(\.address)) == expected, "round \(round): \(findings.map(\.description))")
        for finding in findings {
          var nobody = NoObserver()
          let walk = rules.walk(finding.gpa, from: .root(EPTPointer(root: root)), in: memory, &nobody)
          claim(walk.entryAddress == finding.address, "the address named meets the entry: \(finding)")
          claim(!finding.reasons.isEmpty && finding.description.contains("EPT P"), "\(finding)")
        }
      }
    }
  }

  @Test("ends on tables that refer to themselves, and stops at its limit")
  func circular() {
    Claims.table("lint of circular tables") {
      let memory = SparseMemory()
      for index in UInt64(0)..<512 { memory.store(0x1007, at: HostPhysicalAddress(0x1000 + index * 8)) }
      let rules = EntryRules(capabilities: .all, controls: .ept)
      claim(lint(EPTPointer(0x101e), in: memory, rules: rules).isEmpty, "circular")
      for index in UInt64(0)..<512 { memory.store(2, at: HostPhysicalAddress(0x1000 + index * 8)) }
      claim(lint(EPTPointer(0x101e), in: memory, rules: rules, limit: 10).count == 10, "ten of 512")
    }
  }
}

@Suite("EPT invalidations owed")
struct InvalidationOwedTests {
  @Test("follow the manual's list, bit by bit, for every kind of entry")
  func edits() {
    Claims.table("owed by an edit") {
      for modes in [false, true] {
        var controls = Controls.ept
        controls.set(.modeBasedExecute, to: modes)
        let rules = EntryRules(capabilities: .all, controls: controls)
        for shape in Shape.all {
          let plain = Trial(shape).plain | 0x300
          for bit in UInt64(0)..<64 {
            let isSet = plain >> bit & 1 != 0
            let owes: Bool
            switch bit {
            case 0, 1, 2, 8: owes = isSet
            case 10: owes = isSet && modes
            case 9: owes = isSet && shape.isPage
            case 3...6: owes = shape.isPage
            case 7: owes = shape.level == .pde || shape.level == .pdpte
            case 12...51: owes = true
            case 57, 63: owes = shape.isPage && !isSet
            case 58, 60, 61: owes = shape.isPage && isSet
            default: owes = false
            }
            let edit = EntryEdit(EPTEntry(plain), EPTEntry(plain ^ 1 << bit), at: shape.level)
            claim(edit.owesInvalidation(under: rules) == owes, "bit \(bit) of a \(shape), modes \(modes)")
            let marked = plain | 1 << 58 | 1 << 60 | 1 << 61
            if [58, 60, 61].contains(bit) {
              let edit = EntryEdit(EPTEntry(marked), EPTEntry(marked ^ 1 << bit), at: shape.level)
              claim(edit.owesInvalidation(under: rules) == shape.isPage, "bit \(bit) cleared in a \(shape)")
            }
          }
          let from = EntryEdit(EPTEntry(0), EPTEntry(plain), at: shape.level)
          claim(!from.owesInvalidation(under: rules), "from not present, \(shape)")
          let to = EntryEdit(EPTEntry(plain), EPTEntry(0), at: shape.level)
          claim(to.owesInvalidation(under: rules), "to not present, \(shape)")
          let repaired = EntryEdit(EPTEntry(2), EPTEntry(plain), at: shape.level)
          claim(!repaired.owesInvalidation(under: rules), "from misconfigured, \(shape)")
        }
      }
    }
  }
}
