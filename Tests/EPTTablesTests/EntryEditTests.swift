import Addresses
import EPT
import Testing

@testable import EPTTables

/// A place in the paging structures where an entry is changed.
struct Shape: CustomStringConvertible, Sendable {
  let level: Level
  let isPage: Bool

  /// Every kind of entry there is.
  static let all = [
    Shape(level: .pml4e, isPage: false), Shape(level: .pdpte, isPage: false), Shape(level: .pdpte, isPage: true),
    Shape(level: .pde, isPage: false), Shape(level: .pde, isPage: true), Shape(level: .pte, isPage: true),
  ]

  var description: String { level.entryName + (isPage ? " mapping a page" : " referring to a table") }

  /// The entry without rights: accessed, dirty, write-back; a table at 4 KiB times its level, or a page at its own size.
  var bare: UInt64 {
    guard isPage else { return UInt64(level.rawValue - 1) << 12 | EPTEntry.accessedBit }
    return level.byteCount | 0x330 | (level > .pte ? EPTEntry.pageBit : 0)
  }
}

@Suite("The INVEPT that one entry owes")
struct EntryEditTests {
  static func rules(_ controls: Controls = .ept) -> EntryRules { EntryRules(capabilities: .all, controls: controls) }

  static func owes(_ old: UInt64, _ new: UInt64, _ shape: Shape, _ rules: EntryRules = rules()) -> Bool {
    EntryEdit(EPTEntry(old), EPTEntry(new), at: shape.level).owesInvalidation(under: rules)
  }

  @Test("follows the manual's list, bit by bit, for every kind of entry", arguments: [false, true])
  func bits(modes: Bool) {
    var controls = Controls.ept
    controls.set(.modeBasedExecute, to: modes)
    let rules = Self.rules(controls)
    for shape in Shape.all {
      let plain = shape.bare | 0x407
      for bit in UInt64(0)..<64 {
        for plain in [plain, plain | 0x3c00_0000_0000_0000] {
          let isSet = plain >> bit & 1 != 0
          let owes: Bool
          switch bit {
          case 0, 1, 2, 8: owes = isSet
          case 10: owes = isSet && modes
          case 9: owes = isSet && shape.isPage
          // Typing of a leaf; reserved in an entry that refers to a table.
          case 3...6: owes = true
          // In a PML4E reserved, in a PTE ignored.
          case 7: owes = shape.level > .pte
          case 12...51: owes = true
          case 57, 63: owes = shape.isPage && !isSet
          case 58, 60: owes = shape.isPage && isSet
          // Ignored in an entry that maps a large page.
          case 61: owes = shape.level == .pte && isSet
          default: owes = false
          }
          #expect(Self.owes(plain, plain ^ 1 << bit, shape, rules) == owes, "bit \(bit) of a \(shape)")
        }
      }
      #expect(!Self.owes(0, plain, shape, rules), "from not present, \(shape)")
      #expect(Self.owes(plain, 0, shape, rules), "to not present, \(shape)")
      #expect(!Self.owes(2, plain, shape, rules), "from misconfigured, \(shape)")
    }
  }

  @Test("is due where a page becomes a table at the same address, or a table a page")
  func pageSize() {
    for level in [Level.pde, .pdpte] {
      let shape = Shape(level: level, isPage: true)
      // Uncacheable, so that bit 7 is all that tells the two apart.
      let table = level.byteCount | EPTEntry.accessedBit | 7
      #expect(Self.owes(table | EPTEntry.pageBit, table, shape) && Self.owes(table, table | EPTEntry.pageBit, shape))
    }
  }

  @Test("is due when a good entry becomes misconfigured, whatever rights it gains meanwhile")
  func misconfigured() {
    for shape in Shape.all {
      for rights: UInt64 in [1, 3, 4, 5, 7] {
        let old = shape.bare | rights
        #expect(Self.owes(old, shape.bare | 2, shape), "writable alone, \(shape)")
        #expect(Self.owes(old, shape.bare | 6, shape), "writable and executable alone, \(shape)")
        #expect(Self.owes(old, old | 1 << 51, shape), "beyond MAXPHYADDR, \(shape)")
        if shape.isPage {
          for type: UInt64 in [2, 3, 7] {
            #expect(Self.owes(old, old & ~0x38 | type << 3, shape), "type \(type), \(shape)")
          }
          if shape.level > .pte { #expect(Self.owes(old, old | 1 << 12, shape), "address below the page, \(shape)") }
        } else {
          for bit: UInt64 in 3...6 { #expect(Self.owes(old, old | 1 << bit, shape), "bit \(bit), \(shape)") }
          if shape.level == .pml4e { #expect(Self.owes(old, old | 1 << 7, shape), "bit 7, \(shape)") }
        }
      }
    }
    let old = Capabilities.Feature.executeOnly
    var capabilities = Capabilities.all
    capabilities.set(old, to: false)
    let rules = EntryRules(capabilities: capabilities, controls: .ept)
    for shape in Shape.all {
      #expect(Self.owes(shape.bare | 5, shape.bare | 4, shape, rules), "execute-only, \(shape)")
    }
  }

  @Test("is not due for a pure widening")
  func widening() {
    var cases = 0
    for shape in Shape.all {
      for old: UInt64 in [1, 3, 4, 5, 7] {
        for new: UInt64 in [1, 3, 4, 5, 7] where old & ~new == 0 {
          cases += 1
          #expect(!Self.owes(shape.bare | old, shape.bare | new, shape), "\(old) to \(new), \(shape)")
          for gain: UInt64 in [9, 11, 58, 60, 61] {
            #expect(
              !Self.owes(shape.bare & ~(1 << gain) | old, shape.bare | 1 << gain | new, shape), "bit \(gain), \(shape)")
          }
        }
      }
    }
    print("pure widenings of one entry: \(cases) pairs of rights")
  }

  /// What is combined with rights: nothing, or one bit turned over.
  static let variations: [UInt64] = [0] + [3, 4, 5, 6, 7, 8, 9, 12, 21, 30, 46, 51, 57, 58, 60, 61, 63].map { 1 << $0 }

  @Test(
    "is due wherever caches that keep all they may would answer otherwise than the tables", arguments: [false, true])
  func cachesAgree(accessedDirty: Bool) throws {
    var (edits, harmful, owing) = (0, 0, 0)
    let memory = try #require(HostMemory(byteCount: 0x8000))
    for shape in Shape.all {
      let variants = Self.variations.flatMap { bits in (UInt64(0)..<8).map { shape.bare ^ bits | $0 } }
      for old in variants {
        var machine = try Self.machine(memory.memory, shape, accessedDirty: accessedDirty)
        for new in variants where new != old {
          edits += 1
          let harm = Self.harm(&machine, old, new, shape)
          // The edit is of the old entry as the processor has left it, with the flags it has set.
          let owes = Self.owes(harm.changed, new, shape)
          let harms = harm.isDone
          if owes { owing += 1 }
          if harms { harmful += 1 }
          if harms && !owes {
            Issue.record("\(hex(old)) to \(hex(new)) of \(shape) shows")
          }
        }
      }
    }
    print("edits of one entry beside maximal caches: \(edits), \(owing) owing an INVEPT, \(harmful) showing without it")
    #expect(harmful > edits / 10)
  }

  static let gpa: UInt64 = 0x123

  /// A processor with empty caches; every entry but the one under trial grants everything.
  static func machine(_ memory: FlatMemory, _ shape: Shape, accessedDirty: Bool) throws -> EPTMachine<FlatMemory> {
    for level in Level.allCases {
      let entry = level == .pte ? 0x5000 | 0x337 : UInt64(level.rawValue - 1) << 12 | 0x107
      memory.fill(HostPhysicalAddress(UInt64(level.rawValue) << 12), with: entry)
    }
    var policies = Policies()
    policies.cache = .maximal
    return EPTMachine(
      memory: memory,
      eptp: EPTPointer(root: HostPhysicalAddress(0x4000), accessedDirty: accessedDirty), policies: policies)
  }

  /// Whether an access is answered by what the caches keep of the old entry, and not merely refused too often; and what the
  /// processor had made of the entry when it was edited.
  static func harm(
    _ machine: inout EPTMachine<FlatMemory>, _ old: UInt64, _ new: UInt64, _ shape: Shape
  ) -> (isDone: Bool, changed: UInt64) {
    let slot = HostPhysicalAddress(UInt64(shape.level.rawValue) << 12)
    var nobody = NoObserver()
    let accesses = [AccessKind.dataRead, .dataWrite, .codeFetch].map { GuestAccess(GuestPhysicalAddress(gpa), $0) }
    var changed = old
    // Each access by itself: a violation drops what the next one would find.
    for access in accesses {
      _ = machine.invept(type: 2, eptp: EPTPointer(0))
      machine.memory.store(old, at: slot)
      for access in accesses { _ = machine.access(access) }
      changed = machine.memory.load(slot)
      machine.memory.store(new, at: slot)
      let result = machine.examined(.physical(access), &nobody)
      if result.stale != nil, result.outcome.violation == nil { return (true, changed) }
    }
    return (false, changed)
  }
}

extension TranslationOutcome {
  /// The violation that the access ends in.
  fileprivate var violation: EPTViolation? { if case .violation(let violation) = self { violation } else { nil } }
}
