import Addresses
import Testing

@testable import EPT

/// The table of rights of kvm-unit-tests' EPT group, restated, and what it leaves out.
@Suite("EPT rights")
struct RightsTests {
  /// A fetch from a user-mode linear address.
  static let userFetch: AccessKind = [.fetch, .linear, .userAddress]

  /// Bits 2:0 and 10, their name, and which of read, write, fetch, user fetch they allow; nil for a misconfiguration.
  static let withoutModes: [(bits: UInt64, name: String, allowed: String?)] = [
    (0, "nothing", ""), (1, "read", "r"), (2, "write", nil), (3, "read and write", "rw"), (4, "execute", "xu"),
    (5, "read and execute", "rxu"), (6, "write and execute", nil), (7, "everything", "rwxu"),
    (0x400, "bit 10 alone", ""),
  ]
  static let withModes: [(bits: UInt64, name: String, allowed: String?)] = [
    (0, "nothing", ""), (1, "read", "r"), (2, "write", nil), (3, "read and write", "rw"), (4, "execute", "x"),
    (5, "read and execute", "rx"), (6, "write and execute", nil), (7, "read, write and execute", "rwx"),
    (0x400, "user execute", "u"), (0x401, "read and user execute", "ru"), (0x402, "write and user execute", nil),
    (0x403, "read, write and user execute", "rwu"), (0x404, "both executes", "xu"),
    (0x405, "read and both executes", "rxu"), (0x406, "write and both executes", nil), (0x407, "everything", "rwxu"),
  ]
  static let accesses: [(letter: Character, kind: AccessKind, bit: UInt64)] = [
    ("r", .dataRead, 1), ("w", .dataWrite, 2), ("x", .codeFetch, 4), ("u", userFetch, 4),
  ]

  @Test("of every entry and page size allow exactly what their bits say", arguments: [false, true], [false, true])
  func rights(modes: Bool, executeOnly: Bool) {
    Claims.table("rights, modes \(modes), execute-only \(executeOnly)") {
      for shape in Shape.all {
        var controls = Controls.ept
        controls.set(.modeBasedExecute, to: modes)
        var capabilities = Capabilities.all
        capabilities.set(.executeOnly, to: executeOnly)
        capabilities.set(.advancedExitInformation, to: false)
        var trial = Trial(shape, controls: controls, capabilities: capabilities)
        for row in modes ? Self.withModes : Self.withoutModes {
          trial.put(trial.plain & ~0x407 | row.bits)
          let present = row.bits & (modes ? 0x407 : 7) != 0
          for access in Self.accesses {
            let expected: Verdict
            if row.allowed == nil || (present && row.bits & 1 == 0 && !executeOnly) {
              expected = .misconfigures
            } else if row.allowed?.contains(access.letter) == true {
              expected = .allowed
            } else {
              let reported = present ? (row.bits & 7) << 3 | (modes ? row.bits >> 4 & 0x40 : 0) : 0
              expected = .violates(ExitQualification(0x180 | access.bit | reported))
            }
            claim(
              trial.access(access.kind), is: expected,
              "\(row.name) in an \(shape), modes \(modes), access \(access.letter)")
          }
        }
      }
    }
  }

  @Test("are the AND of all entries, and a denial above does not hide a misconfiguration below")
  func priority() {
    Claims.table("priority across levels") {
      var capabilities = Capabilities.all
      capabilities.set(.advancedExitInformation, to: false)
      for upper in Shape.all where !upper.isPage {
        var trial = Trial(upper, capabilities: capabilities)
        trial.put(trial.plain & ~0x407 | 1)
        let leaf = HostPhysicalAddress(0x4000 + Level.pte.index(of: Trial.gpa) * 8)
        claim(trial.access(.dataWrite), is: .violates(ExitQualification(0x18a)), "write below a read-only \(upper)")
        claim(trial.access(.codeFetch), is: .violates(ExitQualification(0x18c)), "fetch below a read-only \(upper)")
        trial.memory.store(0x9032, at: leaf)
        claim(trial.access(.dataWrite), is: .misconfigures, "bad leaf below a read-only \(upper)")
        trial.memory.store(~7, at: leaf)
        claim(
          trial.access(.dataWrite), is: .violates(ExitQualification(0x182)), "absent leaf below a read-only \(upper)")
        trial.put(2)
        claim(trial.access(.dataRead), is: .misconfigures, "a bad \(upper) above an absent leaf")
        trial.put(trial.plain & ~0x407)
        trial.memory.store(0x9032, at: leaf)
        claim(
          trial.access(.dataRead), is: .violates(ExitQualification(0x181)), "an absent \(upper) above a bad leaf")
      }
    }
  }

  @Test("end at 48 bits, with five levels at 52: a wider address violates before any entry is read")
  func wideAddresses() {
    Claims.table("wide addresses") {
      for number in 48..<64 {
        var trial = Trial(.init(level: .pte, isPage: true))
        trial.machine.eptp = EPTPointer(0x101e)
        var counter = ReferenceCounter()
        let gpa = GuestPhysicalAddress(1 << UInt64(number) | Trial.gpa)
        let outcome = trial.machine.access(GuestAccess(gpa, [.write]), &counter)
        claim(Verdict(outcome), is: .violates(ExitQualification(2)), "bit \(number)")
        claim(counter.references == 0, "bit \(number): \(counter.references) references")
      }
      for number in 48..<64 {
        // Bits 51:48 select another PML5 entry, which is absent.
        var trial = Trial(.init(level: .pte, isPage: true, hasFiveLevels: true))
        var counter = ReferenceCounter()
        let gpa = GuestPhysicalAddress(1 << UInt64(number) | Trial.gpa)
        let outcome = trial.machine.access(GuestAccess(gpa, [.write]), &counter)
        claim(Verdict(outcome), is: .violates(ExitQualification(2)), "bit \(number), five levels")
        claim(counter.references == (number < 52 ? 1 : 0), "bit \(number), five levels: \(counter.references)")
        trial.memory.store(Trial.table(below: .pml5e), at: HostPhysicalAddress(8 << UInt64(number & 3)))
        let mapped = Verdict(trial.machine.access(GuestAccess(gpa, [.write])))
        claim(mapped, is: number < 52 ? .allowed : .violates(ExitQualification(2)), "bit \(number), mapped")
      }
    }
  }

  @Test("report what guest paging said where the processor can, and only for the final address")
  func advancedInformation() {
    Claims.table("advanced exit information") {
      for bits in UInt64(0)..<32 {
        var capabilities = Capabilities.all
        capabilities.set(.advancedExitInformation, to: bits & 8 != 0)
        var trial = Trial(.init(level: .pte, isPage: true), capabilities: capabilities)
        trial.put(0)
        var kind: AccessKind = .dataRead
        kind.set(.userAddress, to: bits & 1 != 0)
        kind.set(.guestWritable, to: bits & 2 != 0)
        kind.set(.guestExecuteDisable, to: bits & 4 != 0)
        trial.machine.guest.paging = bits & 16 == 0
        let said = bits & 8 == 0 ? 0 : bits & 16 != 0 ? 0x600 : (bits & 7) << 9
        claim(trial.access(kind), is: .violates(ExitQualification(0x181 | said)), "final, case \(bits)")
        kind.insert(.pagingStructure)
        claim(trial.access(kind), is: .violates(ExitQualification(0x81)), "guest table, case \(bits)")
        kind.subtract([.pagingStructure, .linear])
        claim(trial.access(kind), is: .violates(ExitQualification(1)), "no linear address, case \(bits)")
      }
    }
  }

  @Test("report a read-modify-write as a write, and as a read by policy; NMI unblocking unless an event is delivered")
  func otherBits() {
    Claims.table("read-modify-write, NMI, shadow stack, asynchronous") {
      var trial = Trial(.init(level: .pte, isPage: true))
      trial.put(0)
      claim(trial.access([.read, .write, .linear]), is: .violates(ExitQualification(0x182)), "bit 1 alone")
      trial.machine.policies.readModifyWriteReportsRead = true
      claim(trial.access([.read, .write, .linear]), is: .violates(ExitQualification(0x183)), "bits 1 and 0")
      trial.machine.guest.nmiUnblocking = true
      claim(trial.access(.dataRead), is: .violates(ExitQualification(0x1181)), "NMI")
      trial.machine.guest.deliveringEvent = true
      claim(trial.access(.dataRead), is: .violates(ExitQualification(0x181)), "NMI undefined during delivery")
      trial.machine.guest = GuestState()
      claim(trial.access([.read, .shadowStack, .linear]), is: .violates(ExitQualification(0x2181)), "shadow stack")
      claim(trial.access([.write, .asynchronous]), is: .violates(ExitQualification(0x10002)), "asynchronous")
    }
  }

  @Test("of supervisor shadow-stack accesses follow bit 60 of the leaf and bit 1 above it")
  func supervisorShadowStack() {
    Claims.table("supervisor shadow stacks") {
      let read: AccessKind = AccessKind.supervisorShadowStack.union([.read, .linear])
      let write: AccessKind = AccessKind.supervisorShadowStack.union([.write, .linear])
      let mark: UInt64 = 1 << 60
      for shape in Shape.pages {
        var trial = Trial(shape)
        trial.machine.eptp.rawValue |= 0x80
        trial.put(trial.plain & ~2 | mark)
        for kind in [read, write] { claim(trial.access(kind), is: .allowed, "marked, not writable, \(shape)") }
        claim(
          trial.access(.dataWrite), is: .violates(ExitQualification(0x41aa)), "ordinary write, marked \(shape)")
        trial.put(trial.plain)
        claim(trial.access(read), is: .violates(ExitQualification(0x21b9)), "read, unmarked \(shape)")
        claim(trial.access(write), is: .violates(ExitQualification(0x21ba)), "write, unmarked \(shape)")
        claim(trial.access([.write, .shadowStack, .linear]), is: .allowed, "user shadow stack, unmarked \(shape)")
        trial.put(trial.plain & ~3 | mark)
        claim(trial.access(read), is: .violates(ExitQualification(0x61a1)), "not readable, marked \(shape)")
        trial.machine.eptp.rawValue &= ~0x80
        trial.put(trial.plain)
        claim(trial.access(write), is: .allowed, "control off, unmarked \(shape)")
      }
      for shape in Shape.all where !shape.isPage {
        var trial = Trial(shape)
        trial.machine.eptp.rawValue |= 0x80
        let leaf = HostPhysicalAddress(0x4000 + Level.pte.index(of: Trial.gpa) * 8)
        trial.memory.store(trial.memory.load(leaf) | mark, at: leaf)
        claim(trial.access(read), is: .allowed, "writable \(shape) above a marked leaf")
        trial.put(trial.plain & ~2)
        claim(trial.access(read), is: .violates(ExitQualification(0x61a9)), "read-only \(shape) above a marked leaf")
      }
    }
  }

  @Test("of paging writes follow bit 58 of the leaf and bit 1 above it")
  func pagingWrites() {
    Claims.table("paging-write access") {
      let update: AccessKind = [.write, .linear, .pagingStructure]
      var controls = Controls.ept
      controls.set(.pagingWrite, to: true)
      for shape in Shape.pages {
        var trial = Trial(shape, controls: controls)
        trial.put(trial.plain & ~2 | 1 << 58)
        claim(trial.access(update), is: .allowed, "guest flag update, \(shape)")
        claim(trial.access(.dataWrite), is: .violates(ExitQualification(0x1aa)), "ordinary write, \(shape)")
        trial.enableFlags()
        claim(trial.access(.pagingRead), is: .allowed, "guest table read with flags, \(shape)")
        claim(trial.entry & 0x300 == 0x300, "the leaf is dirty, \(shape)")
        trial.put(trial.plain & ~2)
        claim(trial.access(.pagingRead), is: .violates(ExitQualification(0xab)), "unmarked, \(shape)")
        trial.put(trial.plain & ~3 | 1 << 58)
        claim(trial.access(.codeFetch), is: .misconfigures, "marked and not readable, \(shape)")
        trial.machine.controls.set(.pagingWrite, to: false)
        claim(trial.access(.codeFetch), is: .allowed, "marked and not readable, control off, \(shape)")
      }
      for shape in Shape.all where !shape.isPage {
        var trial = Trial(shape, controls: controls)
        let leaf = HostPhysicalAddress(0x4000 + Level.pte.index(of: Trial.gpa) * 8)
        trial.memory.store(0x9035 | 1 << 58, at: leaf)
        claim(trial.access(update), is: .allowed, "marked leaf below a writable \(shape)")
        trial.put(trial.plain & ~2)
        claim(trial.access(update), is: .violates(ExitQualification(0xab)), "marked leaf below a read-only \(shape)")
        trial.put(trial.plain & ~1 & ~2 | 1 << 58)
        claim(trial.access(.codeFetch), is: .allowed, "bit 58 of a \(shape) is ignored")
      }
    }
  }
}
