import Addresses
import Testing

@testable import EPT

@Suite("EPT accessed and dirty flags, and the modification log")
struct FlagsAndLogTests {
  static let accessed = EPTEntry.accessedBit
  static let dirty = EPTEntry.dirtyBit

  @Test("are set by what is permitted, in every entry and in the leaf, and by nothing else")
  func flags() {
    Claims.table("accessed and dirty flags") {
      let kinds: [(AccessKind, isWrite: Bool)] = [
        (.dataRead, false), (.codeFetch, false), (.dataWrite, true), ([.read, .write, .linear], true),
        (.pagingRead, true), ([.read, .pagingStructure], false), ([.write, .linear, .pagingStructure], true),
      ]
      for shape in Shape.all {
        for (kind, isWrite) in kinds {
          var trial = Trial(shape)
          claim(trial.access(kind), is: .allowed, "flags disabled, \(shape)")
          claim(trial.entry == trial.plain, "flags disabled leave the \(shape) alone")
          trial.enableFlags()
          var log = ReferenceLog()
          let access = GuestAccess(GuestPhysicalAddress(Trial.gpa), kind)
          claim(Verdict(trial.machine.access(access, &log)), is: .allowed, "flags enabled, \(shape)")
          let isDirty = shape.isPage && isWrite
          claim(
            trial.entry == trial.plain | Self.accessed | (isDirty ? Self.dirty : 0),
            "\(kind) leaves \(hex(trial.entry)) in a \(shape)")
          let order = log.writes.map { $0.address.rawValue }
          claim(order == order.sorted() && order.count == log.references.count, "top down, one store an entry")
          log.removeAll()
          claim(Verdict(trial.machine.access(access, &log)), is: .allowed, "again, \(shape)")
          claim(log.writes.isEmpty, "a second access stores nothing")
        }
        // A denied access sets nothing; bit 9 of an entry that refers to a table is never touched.
        var trial = Trial(shape)
        trial.enableFlags()
        trial.put(trial.plain & ~2)
        var log = ReferenceLog()
        _ = trial.machine.access(GuestAccess(GuestPhysicalAddress(Trial.gpa), .dataWrite), &log)
        claim(log.writes.isEmpty, "a denied write stores nothing, \(shape)")
        trial.machine.policies.failedFlags = .upperLevels
        _ = trial.machine.access(GuestAccess(GuestPhysicalAddress(Trial.gpa), .dataWrite), &log)
        claim(
          log.writes.allSatisfy { $0.value & Self.dirty == 0 } && log.writes.count == log.references.count / 2 - 1,
          "by policy the entries above the deciding one are accessed, \(shape)")
      }
    }
  }

  @Test("count only while enabled: a guest table may be read through a read-only page, or is written by every read")
  func pagingStructures() {
    Claims.table("guest tables with and without flags") {
      let update: AccessKind = [.write, .linear, .pagingStructure]
      var trial = Trial(Shape(level: .pte, isPage: true))
      for (rights, name, read, write, flagged) in [
        (0, "absent", 0x081, 0x083, 0x083), (1, "read", nil, 0x08b, 0x08b), (5, "read and execute", nil, 0x0ab, 0x0ab),
        (3, "read and write", nil, nil, nil), (7, "everything", nil, nil, nil),
      ] as [(UInt64, String, UInt64?, UInt64?, UInt64?)] {
        trial.put(trial.plain & ~0x407 | rights)
        let verdict = { (bits: UInt64?) in bits.map { Verdict.violates(ExitQualification($0)) } ?? .allowed }
        trial.machine.eptp = EPTPointer(0x101e)
        claim(trial.access(.pagingRead), is: verdict(read), "\(name), read, flags disabled")
        claim(trial.access(update), is: verdict(write), "\(name), guest flag update, flags disabled")
        trial.machine.eptp = EPTPointer(0x105e)
        claim(trial.access(.pagingRead), is: verdict(flagged), "\(name), read, flags enabled")
        trial.put(trial.entry & ~0x300)
      }
      // The load of PDPTEs by MOV to CR stays a read.
      trial.put(trial.plain & ~0x407 | 1)
      claim(trial.access([.read, .pagingStructure]), is: .allowed, "PDPTE load")
      claim(trial.entry & 0x300 == Self.accessed, "a PDPTE load sets no dirty flag")
    }
  }

  @Test("fill the log downward, exit when the index is out of range, and wrap")
  func modificationLog() {
    Claims.table("page-modification log") {
      let memory = SparseMemory()
      for (address, value) in [(0x1000, 0x2007), (0x2000, 0x3007), (0x3000, 0x4007), (0x3008, 0x5007)]
        as [(UInt64, UInt64)]
      {
        memory.store(value, at: HostPhysicalAddress(address))
      }
      for page in UInt64(0)..<1024 {
        memory.store((0x1000 + page) << 12 | 0x37, at: HostPhysicalAddress(0x4000 + page * 8))
      }
      var controls = Controls.ept
      controls.set(.enablePML, to: true)
      var machine = EPTMachine(memory: memory, controls: controls, eptp: EPTPointer(0x105e))
      machine.fields.pmlAddress = HostPhysicalAddress(0x60000)
      for page in UInt64(0)..<512 {
        let outcome = machine.access(GuestAccess(GuestPhysicalAddress(page << 12 | 0x123), .dataWrite))
        claim(Verdict(outcome), is: .allowed, "write \(page)")
        claim(memory.load(HostPhysicalAddress(0x60000 + (511 - page) * 8)) == page << 12, "entry of write \(page)")
      }
      claim(machine.fields.pmlIndex == 0xffff, "the index wraps below 0")
      machine.guest.nmiUnblocking = true
      let outcome = machine.access(GuestAccess(GuestPhysicalAddress(512 << 12), .dataRead))
      guard case .pmlFull(let full) = outcome else {
        Issue.record("\(outcome)")
        return
      }
      claim(full.qualification == .nmiUnblocking, "bit 12 alone")
      claim(memory.load(HostPhysicalAddress(0x4000 + 512 * 8)) & 0x300 == 0, "no flag was set")
      claim(
        Verdict(machine.access(GuestAccess(GuestPhysicalAddress(0x123), .dataWrite))), is: .allowed, "no flag to set")
      machine.fields.pmlIndex = 3
      claim(
        Verdict(machine.access(GuestAccess(GuestPhysicalAddress(600 << 12), .dataRead))), is: .allowed, "accessed only")
      claim(machine.fields.pmlIndex == 3, "an accessed flag takes no entry")
      // With flags disabled the log is idle.
      machine.eptp = EPTPointer(0x101e)
      claim(
        Verdict(machine.access(GuestAccess(GuestPhysicalAddress(700 << 12), .dataWrite))), is: .allowed,
        "flags disabled")
      claim(machine.fields.pmlIndex == 3, "nothing is logged while flags are disabled")
    }
  }
}
