import Addresses
import Testing

@testable import EPT

@Suite("Rules of one bit or one word")
struct SmallRulesTests {
  @Test("entries are made of address, rights, memory type, IPAT and page size, each in its place")
  func entries() {
    Claims.table("entries made") {
      let types: [MemoryType] = [.uncacheable, .writeCombining, .writeThrough, .writeProtected, .writeBack]
      for bits in UInt64(0)..<8 {
        let rights = Rights(entryBits: bits)
        claim(EPTEntry.table(HostPhysicalAddress(~0), rights: rights).rawValue == 0xf_ffff_ffff_f000 | bits, "table")
        for (type, code) in zip(types, [0, 1, 4, 5, 6] as [UInt64]) {
          for (level, low) in [(Level.pte, 12), (.pde, 21), (.pdpte, 30)] as [(Level, UInt64)] {
            for ignoresPAT in [false, true] {
              let entry = EPTEntry.page(
                HostPhysicalAddress(~0), at: level, rights: rights, type: type, ignorePAT: ignoresPAT)
              let address: UInt64 = (0xf_ffff_ffff_ffff >> low) << low
              let size: UInt64 = level == .pte ? 0 : 0x80
              let wanted = address | bits | code << 3 | (ignoresPAT ? 0x40 : 0) | size
              claim(entry.rawValue == wanted, "\(level), rights \(bits), \(type): \(hex(entry.rawValue))")
            }
          }
        }
      }
    }
  }

  @Test("a guest with 32-bit paging has its directory where bits 31:12 of CR3 say, whatever CR3 holds beyond")
  func narrowCR3() {
    Claims.table("CR3 beyond 32 bits") {
      for cr3 in ["0x10000", "0x100010000", "0x3fff00010018"] {
        var session = Session(
          "eptp 101e", "w64 1000 2007", "w64 2000 b7", "w64 10000 11067", "w64 11000 20067", "reg mode=4 cr3=\(cr3)",
          "reg mode=32")
        claim(session.ask("la 10 r") == "OK hpa=20010", cr3)
      }
    }
  }

  @Test("a virtualization exception is delivered again once its handler has acknowledged the last, and not before")
  func acknowledgement() {
    Claims.table("acknowledged exceptions") {
      var controls = Controls.ept
      controls.set(.eptViolationVE, to: true)
      var machine = EPTMachine(memory: SparseMemory(), controls: controls, eptp: EPTPointer(0x101e))
      machine.fields.exceptionInformation = HostPhysicalAddress(0x70000)
      func kind(_ outcome: TranslationOutcome) -> String {
        switch outcome {
        case .virtualizationException: "VE"
        case .violation: "exit"
        default: "other"
        }
      }
      let access = GuestAccess(GuestPhysicalAddress(0x5000), .dataRead)
      for round in 0..<3 {
        claim(kind(machine.access(access)) == "VE", "round \(round)")
        claim(kind(machine.access(access)) == "exit", "round \(round), not acknowledged")
        let reason = machine.memory.load(HostPhysicalAddress(0x70000))
        claim(reason == 48 | 0xffff_ffff << 32, "reason and mark")
        machine.acknowledgeException()
        claim(machine.memory.load(HostPhysicalAddress(0x70000)) == 48, "the mark is gone, the reason stays")
      }
    }
  }

  @Test("the modification log is taken oldest first, whole, and left empty")
  func takenLog() {
    Claims.table("taken logs") {
      var machine = EPTMachine(memory: SparseMemory(), eptp: EPTPointer(0x101e))
      machine.fields.pmlAddress = HostPhysicalAddress(0x60000)
      // The processor writes from slot 511 down.
      for slot in UInt64(0)..<512 { machine.memory.store(slot << 12, at: HostPhysicalAddress(0x60000 + slot * 8)) }
      for count in [0, 1, 2, 511, 512] as [UInt64] {
        machine.fields.pmlIndex = UInt16(truncatingIfNeeded: 511 &- count)
        let taken = machine.takeModificationLog().map { $0.rawValue >> 12 }
        claim(taken == (0..<count).map { 511 - $0 }, "\(count) entries: \(taken.prefix(3))")
        claim(machine.fields.pmlIndex == 511, "\(count) entries: the index")
      }
    }
  }

  @Test("an exit other than a violation tells of asynchronous accesses in bit 16, of NMI unblocking in bit 12")
  func eventQualifications() {
    Claims.table("qualifications of events") {
      for (isAsynchronous, isUnblocking) in [(false, false), (false, true), (true, false), (true, true)] {
        let wanted = (isAsynchronous ? 1 << 16 : 0) | (isUnblocking ? 1 << 12 : 0) as UInt64
        let what = "asynchronous \(isAsynchronous), unblocking \(isUnblocking)"
        var kind = AccessKind.dataWrite
        if isAsynchronous { kind.insert(.asynchronous) }
        for isMiss in [false, true] {
          // An entry of the sub-page tables that is not valid, or has a reserved bit.
          var trial = SubPageAndExceptionTests.subPageTrial()
          trial.memory.store(isMiss ? 0 : 0x41003, at: SubPageAndExceptionTests.slot(0x40000, .pml4e))
          trial.machine.guest.nmiUnblocking = isUnblocking
          let outcome = trial.machine.access(GuestAccess(GuestPhysicalAddress(Trial.gpa), kind))
          guard case .sppEvent(let event) = outcome else {
            claim(false, "\(what): \(outcome.summary)")
            continue
          }
          claim(event.qualification.rawValue == wanted | (isMiss ? 1 << 11 : 0), "\(what), miss \(isMiss)")
        }
        var controls = Controls.ept
        controls.set(.enablePML, to: true)
        var machine = EPTMachine(memory: SparseMemory(), controls: controls, eptp: EPTPointer(0x105e))
        for (address, value) in [(0x1000, 0x2007), (0x2000, 0xb7)] as [(UInt64, UInt64)] {
          machine.memory.store(value, at: HostPhysicalAddress(address))
        }
        machine.fields.pmlIndex = 512
        machine.guest.nmiUnblocking = isUnblocking
        let outcome = machine.access(GuestAccess(GuestPhysicalAddress(0x5000), kind))
        guard case .pmlFull(let full) = outcome else {
          claim(false, "\(what): \(outcome.summary)")
          continue
        }
        claim(full.qualification.rawValue == wanted, "\(what), log full")
      }
    }
  }
}
