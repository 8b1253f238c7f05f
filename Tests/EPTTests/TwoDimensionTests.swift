import Addresses
import Testing

@testable import EPT

@Suite("The two-dimensional EPT walk")
struct TwoDimensionTests {
  @Test("makes 24 references in the stated order, and fewer for large pages of either dimension")
  func references() {
    Claims.table("references of the 2-D walk") {
      for (ept, guest, count) in [
        (.pte, .pte, 24), (.pte, .pde, 19), (.pte, .pdpte, 14), (.pde, .pte, 19), (.pdpte, .pte, 14),
        (.pde, .pde, 15), (.pdpte, .pdpte, 8),
      ] as [(Level, Level, Int)] {
        var world = GuestWorld(ept: ept, guest: guest)
        if ept != .pte { world.machine.guest.cr3 = 0x9000 }
        var log = ReferenceLog()
        let outcome = world.machine.access(linear: GuestLinearAddress(0x5123), .read, user: false, &log)
        claim(outcome.hpa != nil, "\(ept) \(guest): \(outcome.summary)")
        claim(log.references.count == count, "\(ept) \(guest): \(log.references.count) references, expected \(count)")
        var counter = ReferenceCounter()
        _ = world.machine.access(linear: GuestLinearAddress(0x5123), .read, user: false, &counter)
        claim(counter.references == UInt64(count), "the counter agrees with the log")
        guard ept == .pte && guest == .pte else { continue }
        let order = log.references.map { "\($0.kind.name)\($0.level)" }.joined(separator: " ")
        let walk = "ept4 ept3 ept2 ept1"
        let expected = "\(walk) guest4 \(walk) guest3 \(walk) guest2 \(walk) guest1 \(walk)"
        claim(order == expected, "order: \(order)")
      }
      var world = GuestWorld()
      world.machine.guest.paging = false
      var counter = ReferenceCounter()
      let outcome = world.machine.access(linear: GuestLinearAddress(0x5123), .read, user: false, &counter)
      claim(outcome.hpa == GuestWorld.base + 0x5123 && counter.references == 4, "paging off: EPT alone")
    }
  }

  /// Guest rights of the leaf, and the error code of each access; nil where it is allowed.
  @Test("lets the guest's own rights fault: user, writable, execute-disable, WP, SMEP, SMAP")
  func guestRights() {
    Claims.table("guest rights") {
      for bits in UInt64(0)..<256 {
        var world = GuestWorld()
        let (userPage, writable, noExecute) = (bits & 1 != 0, bits & 2 != 0, bits & 4 != 0)
        var leaf: UInt64 = 0x5061
        if userPage { leaf |= 4 }
        if writable { leaf |= 2 }
        if noExecute { leaf |= 1 << 63 }
        world.set(GuestWorld.guestSlot(4, 5), leaf)
        world.machine.guest.writeProtect = bits & 8 != 0
        world.machine.guest.smep = bits & 16 != 0
        world.machine.guest.smap = bits & 32 != 0
        world.machine.guest.alignmentCheck = bits & 64 != 0
        let user = bits & 128 != 0
        let smapBlocks = world.machine.guest.smap && !world.machine.guest.alignmentCheck && userPage && !user
        let readFails = (user && !userPage) || smapBlocks
        let writeFails = readFails || (!writable && (user || world.machine.guest.writeProtect))
        let fetchFails = (user && !userPage) || noExecute || (!user && userPage && world.machine.guest.smep)
        let mode: UInt32 = user ? 4 : 0
        claim(world.linear(0x5000, .read, user: user).faultCode == (readFails ? 1 | mode : nil), "read, case \(bits)")
        claim(
          world.linear(0x5000, .write, user: user).faultCode == (writeFails ? 3 | mode : nil), "write, case \(bits)")
        claim(
          world.linear(0x5000, .fetch, user: user).faultCode == (fetchFails ? 0x11 | mode : nil), "fetch, case \(bits)")
      }
    }
  }

  @Test("takes reserved bits of guest entries for faults with code bit 3, but not bit 12 of a large page")
  func guestReservedBits() {
    Claims.table("guest reserved bits") {
      for (table, level) in [(1, Level.pml4e), (2, .pdpte), (3, .pde), (4, .pte)] as [(UInt64, Level)] {
        for large in [false, true] where !large || level == .pdpte || level == .pde {
          for noExecute in [false, true] {
            for bit in 0..<64 {
              var world = GuestWorld(guest: large ? level : .pte)
              world.machine.guest.noExecute = noExecute
              world.machine.capabilities.physicalAddressWidth = PhysicalAddressWidth(40) ?? .bits46
              let slot = GuestWorld.guestSlot(table)
              let isAddress = (large ? Int(level.shift) : 12) <= bit && bit < 40
              if bit == 0 || isAddress || (bit == 7 && level != .pml4e && level != .pte) { continue }
              world.set(slot, world.get(slot) | 1 << UInt64(bit))
              var isReserved = (40..<52).contains(bit) || (level == .pml4e && bit == 7) || (bit == 63 && !noExecute)
              if large && bit >= 13 && bit < Int(level.shift) { isReserved = true }
              let outcome = world.linear(0, .read)
              claim(
                outcome.faultCode == (isReserved ? 9 : nil),
                "bit \(bit) of a \(level.entryName) of the guest: \(outcome.summary)")
            }
          }
        }
      }
      var world = GuestWorld()
      world.set(GuestWorld.guestSlot(4), ~1)
      claim(world.linear(0, .write, user: true).faultCode == 6, "an absent entry has no reserved bits")
      world.machine.guest.noExecute = false
      claim(world.linear(0, .fetch).faultCode == 0, "no fetch bit without NXE and SMEP")
      world.machine.guest.smep = true
      claim(world.linear(0, .fetch).faultCode == 16, "a fetch bit with SMEP")
    }
  }

  @Test(
    "puts any EPT exit on an entry that must be read before the guest's fault, and the guest's fault before the final page"
  )
  func order() {
    Claims.table("guest faults against EPT exits") {
      for table in UInt64(1)...4 {
        // The guest's table is absent in EPT; the entry in it would fault.
        var world = GuestWorld()
        world.set(GuestWorld.guestSlot(table), 0)
        world.set(GuestWorld.slot(table), 0)
        guard case .violation(let violation) = world.linear(0x123, .write, user: true) else {
          claim(false, "table \(table)")
          continue
        }
        claim(violation.qualification.rawValue == 0x81, "table \(table): \(hex(violation.qualification.rawValue))")
        claim(violation.gpa.rawValue == table << 12 && violation.gla.rawValue == 0x123, "addresses of table \(table)")
        // The guest denies, and the final page is absent in EPT as well.
        world = GuestWorld()
        world.set(GuestWorld.guestSlot(table), world.get(GuestWorld.guestSlot(table)) & ~2)
        world.set(GuestWorld.slot(0), 0)
        claim(world.linear(0x123, .write).faultCode == 3, "read-only by guest level \(table)")
      }
      var world = GuestWorld()
      world.set(GuestWorld.slot(0), 0x2)
      if case .misconfiguration(let found) = world.linear(0x123, .read) {
        claim(found.gpa.rawValue == 0x123, "misconfiguration at the final page")
      } else {
        claim(false, "misconfiguration at the final page")
      }
      claim(
        world.linear(0x8000_0000_0000, .read) == .notCanonical(GuestLinearAddress(0x8000_0000_0000)), "not canonical")
    }
  }

  @Test("sets guest flags after the EPT check of the final page, or before it by policy")
  func guestFlags() {
    Claims.table("guest flags") {
      for policy in [Policies.GuestFlags.after, .before] {
        var policies = Policies()
        policies.guestFlags = policy
        var world = GuestWorld(policies: policies)
        for table in UInt64(1)...4 {
          world.set(GuestWorld.guestSlot(table), world.get(GuestWorld.guestSlot(table)) & ~0x60)
        }
        world.set(GuestWorld.slot(0), 0)
        claim(world.linear(0x10, .write).violation == 0x782, "the final page is absent, \(policy)")
        let flags = (1...4).map { world.get(GuestWorld.guestSlot(UInt64($0))) & 0x60 }
        claim(flags == (policy == .after ? [0, 0, 0, 0] : [0x20, 0x20, 0x20, 0x60]), "\(policy): \(flags)")
        world.set(GuestWorld.slot(0), GuestWorld.base | 0x37)
        claim(world.linear(0x10, .read).hpa == GuestWorld.base + 0x10, "a read, \(policy)")
        claim(world.linear(0x10, .write).hpa == GuestWorld.base + 0x10, "a write, \(policy)")
        let after = (1...4).map { world.get(GuestWorld.guestSlot(UInt64($0))) & 0x60 }
        claim(after == [0x20, 0x20, 0x20, 0x60], "\(policy): \(after)")
      }
    }
  }

  @Test("violates when guest flags must be set in a table that EPT write-protects, and only then")
  func writeProtectedTables() {
    Claims.table("write-protected guest tables") {
      for table in UInt64(1)...4 {
        var world = GuestWorld()
        world.set(GuestWorld.slot(table), world.get(GuestWorld.slot(table)) & ~2)
        claim(world.linear(0x10, .write).hpa != nil, "flags set already: no violation, table \(table)")
        let slot = GuestWorld.guestSlot(table)
        world.set(slot, world.get(slot) & ~0x20)
        guard case .violation(let violation) = world.linear(0x10, .read) else {
          claim(false, "table \(table)")
          continue
        }
        claim(violation.qualification.rawValue == 0xab, "table \(table): \(hex(violation.qualification.rawValue))")
        claim(violation.gpa.rawValue == table << 12, "the address is the guest entry's")
        claim(world.get(slot) & 0x20 == 0, "the flag stays clear")
        // With accessed and dirty flags for EPT every read of the table violates.
        world = GuestWorld()
        world.machine.eptp = EPTPointer(0x105e)
        world.set(GuestWorld.slot(table), world.get(GuestWorld.slot(table)) & ~2)
        claim(world.linear(0x10, .read).violation == 0xab, "with EPT flags, table \(table)")
        let dirty = (1...4).map { world.get(GuestWorld.slot(UInt64($0))) & 0x300 == 0x300 }
        claim(dirty == (1...4).map { $0 < table }, "tables above \(table) are accessed and dirty: \(dirty)")
      }
    }
  }

  @Test("verifies guest paging: a marked page is reached only through tables with paging-write access")
  func verification() {
    Claims.table("guest-paging verification") {
      for table in UInt64(0)...4 {
        for mark in [false, true] {
          for control in [false, true] {
            var controls = Controls.ept
            controls.set(.guestPagingVerification, to: control)
            var world = GuestWorld(controls: controls)
            for other in UInt64(1)...4 where other != table {
              world.set(GuestWorld.slot(other), world.get(GuestWorld.slot(other)) | 1 << 58)
            }
            world.set(GuestWorld.slot(9), world.get(GuestWorld.slot(9)) | (mark ? 1 << 57 : 0))
            let expected: UInt64? = control && mark && table != 0 ? 0x87b9 : nil
            let found = world.linear(0x9000, .read).violation
            claim(found == expected, "table \(table), mark \(mark): \(found.map(hex) ?? "-")")
          }
        }
      }
    }
  }

  @Test("reports a page-modification log that fills up half-way, and goes on where it stopped")
  func logInTwoDimensions() {
    Claims.table("log in two dimensions") {
      var controls = Controls.ept
      controls.set(.enablePML, to: true)
      var world = GuestWorld(controls: controls)
      world.machine.eptp = EPTPointer(0x105e)
      world.machine.fields.pmlAddress = HostPhysicalAddress(0x60000)
      world.machine.fields.pmlIndex = 1
      guard case .pmlFull(let full) = world.linear(0x9010, .write) else { return claim(false, "log full") }
      claim(full.access.gpa.rawValue == 0x3000, "at the third table")
      claim([0x60008, 0x60000].map { world.get($0) } == [0x1000, 0x2000], "two tables logged")
      world.machine.fields.pmlIndex = 511
      claim(world.linear(0x9010, .write).hpa == GuestWorld.base + 0x9010, "again with room")
      claim([0x60ff8, 0x60ff0, 0x60fe8].map { world.get($0) } == [0x3000, 0x4000, 0x9000], "the rest is logged")
    }
  }
}
