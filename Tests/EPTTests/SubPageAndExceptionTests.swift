import Addresses
import Testing

@testable import EPT

@Suite("EPT sub-page permissions and virtualization exceptions")
struct SubPageAndExceptionTests {
  /// A read-only page with bit 61, and sub-page tables that lead to its vector.
  static func subPageTrial(vector: UInt64 = 0) -> Trial {
    var controls = Controls.ept
    controls.set(.subPageWritePermissions, to: true)
    var trial = Trial(Shape(level: .pte, isPage: true), controls: controls)
    trial.put(trial.plain & ~2 | 1 << 61)
    trial.machine.fields.spptp = HostPhysicalAddress(0x40000)
    for (table, level, value) in [
      (0x40000, Level.pml4e, 0x41001), (0x41000, .pdpte, 0x42001), (0x42000, .pde, 0x43001), (0x43000, .pte, vector),
    ] as [(UInt64, Level, UInt64)] {
      trial.memory.store(value, at: HostPhysicalAddress(table | level.index(of: Trial.gpa) << 3))
    }
    return trial
  }

  static func slot(_ table: UInt64, _ level: Level) -> HostPhysicalAddress {
    HostPhysicalAddress(table | level.index(of: Trial.gpa) << 3)
  }

  @Test("allow a write to each of the 32 sub-pages by its own even bit")
  func vectors() {
    Claims.table("sub-page vectors") {
      let page = Trial.gpa & ~0xfff
      for writable in UInt64(0)..<32 {
        var trial = Self.subPageTrial(vector: 1 << (2 * writable))
        for written in UInt64(0)..<32 {
          let verdict = trial.access(.dataWrite, gpa: page | written * 128 | 5)
          claim(
            verdict, is: written == writable ? .allowed : .violates(ExitQualification(0x1aa)),
            "sub-page \(written) where \(writable) is writable")
        }
        if writable == 31 { continue }
        let access = GuestAccess(GuestPhysicalAddress(page | writable * 128 | 127), .dataWrite, byteCount: 2)
        let outcome = Verdict(trial.machine.access(access))
        claim(outcome, is: .violates(ExitQualification(0x1aa)), "two bytes that run out of sub-page \(writable)")
      }
      var trial = Self.subPageTrial(vector: 0x5555_5555_5555_5555)
      guard case .translated(let done) = trial.machine.access(GuestAccess(GuestPhysicalAddress(page), .dataWrite))
      else { return claim(false, "all sub-pages writable") }
      claim(done.bySubPage && done.rights == [.read, .execute, .executeUser], "rights stay the AND of the entries")
    }
  }

  @Test("keep a sub-page vector cached until an INVEPT of its hierarchy, and no longer")
  func cachedVectors() {
    Claims.table("cached sub-page vectors") {
      let page = Trial.gpa & ~0xfff
      func examined(_ trial: inout Trial) -> (outcome: TranslationOutcome, stale: StaleTranslation?) {
        var nobody = NoObserver()
        let access = GuestAccess(GuestPhysicalAddress(page | 3 * 128), .dataWrite)
        return trial.machine.examined(.physical(access), &nobody)
      }
      for type in [1, 2] as [UInt64] {
        var trial = Self.subPageTrial(vector: 1 << 6)
        trial.machine.policies.cache = .maximal
        claim(examined(&trial).outcome.hpa != nil, "the vector permits")
        trial.memory.store(0, at: Self.slot(0x43000, .pte))
        let stale = examined(&trial)
        claim(stale.outcome.hpa == nil || stale.stale?.owed == .invept(EPTRTA(1)), "stale at most: \(stale)")
        claim(trial.machine.invept(type: 1, eptp: EPTPointer(0x901e)) == .success, "INVEPT of another hierarchy")
        let still = examined(&trial)
        claim(still.outcome.hpa == nil || still.stale?.owed == .invept(EPTRTA(1)), "as before: \(still)")
        claim(trial.machine.invept(type: type, eptp: EPTPointer(0x101e)) == .success, "INVEPT")
        let fresh = examined(&trial)
        claim(fresh.outcome.violation == 0x1aa && fresh.stale == nil, "type \(type): \(fresh)")
      }
      var trial = Self.subPageTrial(vector: 1 << 6)
      trial.machine.policies.cache = .maximal
      _ = examined(&trial)
      trial.memory.store(0, at: Self.slot(0x43000, .pte))
      claim(examined(&trial).outcome.hpa != nil, "the maximal cache does keep vectors")
    }
  }

  @Test("miss at an invalid entry and misconfigure at a reserved bit, at each level")
  func events() {
    Claims.table("SPP events") {
      let tables: [(UInt64, Level)] = [(0x40000, .pml4e), (0x41000, .pdpte), (0x42000, .pde)]
      for (table, level) in tables {
        var trial = Self.subPageTrial(vector: ~0)
        let slot = Self.slot(table, level)
        let good = trial.memory.load(slot)
        for bad in [0, good & ~1, good & ~1 | 2, ~1] as [UInt64] {
          trial.memory.store(bad, at: slot)
          claim(event(&trial) == ExitQualification(0x800), "invalid \(hex(bad)) at \(level.entryName)")
        }
        for bit in Array(1...11) + Array(46..<64) {
          trial.memory.store(good | 1 << UInt64(bit), at: slot)
          claim(event(&trial) == ExitQualification(0), "reserved bit \(bit) at \(level.entryName)")
        }
      }
      for bit in 0..<64 {
        var trial = Self.subPageTrial(vector: 1 << UInt64(bit))
        claim((event(&trial) == ExitQualification(0)) == (bit % 2 == 1), "vector bit \(bit)")
      }
      var trial = Self.subPageTrial()
      trial.machine.fields.spptp = HostPhysicalAddress(0x50000)
      trial.machine.guest.nmiUnblocking = true
      claim(event(&trial) == ExitQualification(0x1800), "NMI unblocking")
    }
  }

  private func event(_ trial: inout Trial) -> ExitQualification? {
    guard case .sppEvent(let event) = trial.machine.access(GuestAccess(GuestPhysicalAddress(Trial.gpa), .dataWrite))
    else { return nil }
    return event.qualification
  }

  @Test("serve only an ordinary write that bit 1 alone denies on a marked 4 KiB page")
  func eligibility() {
    Claims.table("SPP eligibility") {
      let everything: UInt64 = 0x5555_5555_5555_5555
      let denied = Verdict.violates(ExitQualification(0x1aa))
      var trial = Self.subPageTrial(vector: everything)
      claim(trial.access(.dataWrite), is: .allowed, "a plain write")
      claim(trial.access([.read, .write, .linear]), is: .allowed, "a read-modify-write")
      claim(
        trial.access([.write, .linear, .pagingStructure]), is: .violates(ExitQualification(0xab)), "a guest flag update"
      )
      claim(trial.access(AccessKind.dataWrite.union(.noSubPage)), is: denied, "a transactional write")
      claim(trial.access(.write), is: .violates(ExitQualification(0x2a)), "a write without a linear address")
      claim(
        trial.access([.write, .asynchronous]), is: .violates(ExitQualification(0x1_002a)), "output of a processor trace"
      )
      trial.machine.eptp = EPTPointer(0x105e)
      claim(trial.access(.pagingRead), is: .violates(ExitQualification(0xab)), "a guest table read with flags")
      claim(trial.access(.dataWrite), is: .allowed, "a plain write with flags")
      claim(trial.entry & 0x300 == 0x300, "the leaf becomes dirty")
      trial.machine.eptp = EPTPointer(0x101e)
      trial.put(trial.plain & ~2)
      claim(trial.access(.dataWrite), is: denied, "bit 61 clear")
      trial.put(trial.plain | 1 << 61)
      claim(trial.access(.dataWrite), is: .allowed, "writable: bit 61 has no effect")
      // Execute-only: eligible in the current edition, not in the older one.
      trial.put(trial.plain & ~3 | 1 << 61)
      claim(trial.access(.dataWrite), is: .allowed, "not readable, current edition")
      claim(trial.access([.read, .write, .linear]), is: .violates(ExitQualification(0x1a2)), "denied as a read too")
      trial.machine.policies.subPageEdition = .requiresReadable
      claim(trial.access(.dataWrite), is: .violates(ExitQualification(0x1a2)), "not readable, older edition")
      trial.machine.controls.set(.subPageWritePermissions, to: false)
      trial.put(trial.plain & ~2 | 1 << 61)
      claim(trial.access(.dataWrite), is: denied, "control off")
      for shape in Shape.all where shape.level != .pte {
        var controls = Controls.ept
        controls.set(.subPageWritePermissions, to: true)
        var trial = Trial(shape, controls: controls)
        trial.put(trial.plain & ~2 | 1 << 61)
        claim(trial.access(.dataWrite), is: denied, "bit 61 of a \(shape)")
      }
    }
  }

  // MARK: #VE

  static func exceptionTrial(_ shape: Shape) -> Trial {
    var controls = Controls.ept
    controls.set(.eptViolationVE, to: true)
    var trial = Trial(shape, controls: controls)
    trial.machine.fields.exceptionInformation = HostPhysicalAddress(0x70000)
    trial.machine.fields.eptpIndex = 0xabcd
    return trial
  }

  @Test("are delivered unless bit 63 of the deciding entry, and no other, suppresses them")
  func suppression() {
    Claims.table("#VE suppression") {
      let suppress: UInt64 = 1 << 63
      for shape in Shape.all {
        var trial = Self.exceptionTrial(shape)
        let clear = { trial.memory.store(0, at: HostPhysicalAddress(0x70000)) }
        trial.put(trial.plain & ~0x407)
        claim(trial.access(.dataWrite), is: .exception(ExitQualification(0x182)), "absent \(shape)")
        clear()
        trial.put(trial.plain & ~0x407 | suppress)
        claim(trial.access(.dataWrite), is: .violates(ExitQualification(0x182)), "absent \(shape), suppressed")
        trial.put(trial.plain & ~2)
        claim(trial.access(.dataWrite), is: .exception(ExitQualification(0x1aa)), "read-only \(shape)")
        clear()
        trial.put(trial.plain & ~2 | suppress)
        let expected: Verdict =
          shape.isPage ? .violates(ExitQualification(0x1aa)) : .exception(ExitQualification(0x1aa))
        claim(trial.access(.dataWrite), is: expected, "read-only \(shape) with bit 63")
        clear()
        trial.put(2)
        claim(trial.access(.dataRead), is: .misconfigures, "a misconfiguration is never delivered")
      }
    }
  }

  @Test("wait for the semaphore, need protected mode, and are not raised while an event is delivered")
  func conditions() {
    Claims.table("#VE conditions") {
      var trial = Self.exceptionTrial(Shape(level: .pte, isPage: true))
      trial.put(0)
      let area = HostPhysicalAddress(0x70000)
      let exits = Verdict.violates(ExitQualification(0x182))
      for bit in 0..<64 {
        trial.memory.store(1 << UInt64(bit), at: area)
        let expected = bit < 32 ? Verdict.exception(ExitQualification(0x182)) : exits
        claim(trial.access(.dataWrite), is: expected, "bit \(bit) of the first word")
      }
      trial.memory.store(0, at: area)
      trial.machine.guest.protection = false
      claim(trial.access(.dataWrite), is: exits, "CR0.PE = 0")
      trial.machine.guest = GuestState()
      trial.machine.guest.deliveringEvent = true
      claim(trial.access(.dataWrite), is: exits, "during event delivery")
      trial.machine.guest = GuestState()
      trial.machine.guest.prematurelyBusyShadowStack = true
      claim(trial.access(.dataWrite), is: exits, "with a prematurely busy shadow stack")
      trial.machine.guest = GuestState()
      claim(trial.access([.write, .asynchronous]), is: .violates(ExitQualification(0x10002)), "asynchronous")
      let wide = GuestAccess(GuestPhysicalAddress(1 << 48), .dataWrite)
      claim(Verdict(trial.machine.access(wide)), is: exits, "an address beyond 47 bits")
      trial.machine.controls.set(.eptViolationVE, to: false)
      claim(trial.access(.dataWrite), is: exits, "control off")
    }
  }

  @Test("leave the information area filled, its semaphore set and bytes beyond the index alone")
  func informationArea() {
    Claims.table("#VE information area") {
      var trial = Self.exceptionTrial(Shape(level: .pte, isPage: true))
      trial.put(trial.plain & ~2)
      trial.memory.store(0x1111_2222_3333_4444, at: HostPhysicalAddress(0x70020))
      var log = ReferenceLog()
      let access = GuestAccess(GuestPhysicalAddress(Trial.gpa), .dataWrite, gla: GuestLinearAddress(0x7fff_1234))
      let outcome = trial.machine.access(access, &log)
      claim(Verdict(outcome), is: .exception(ExitQualification(0x1aa)), "delivered")
      let expected: [(UInt64, UInt64)] = [
        (0x70000, 48), (0x70000, 0xffff_ffff_0000_0030), (0x70008, 0x1aa), (0x70010, 0x7fff_1234),
        (0x70018, Trial.gpa), (0x70020, 0x1111_2222_3333_abcd),
      ]
      claim(log.writes.map { [$0.address.rawValue, $0.value] } == expected.map { [$0.0, $0.1] }, "\(log.writes)")
      claim(trial.access(.dataWrite), is: .violates(ExitQualification(0x1aa)), "the semaphore is set now")
    }
  }
}
