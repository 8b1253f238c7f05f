import Testing

@Suite("Guest paging: rights")
struct GuestRightsTests {
  /// Pages of a guest with protection keys or shadow stacks: in each mode, by each size of page.
  private static let wide = GuestShape.pages.filter { $0.mode == "4" || $0.mode == "5" }

  @Test("of shadow stacks: read-only and dirty in the leaf, writable above it, and of the access's own mode")
  func shadowStacks() {
    Claims.table("shadow stacks") {
      for shape in GuestShape.pages {
        for bits in UInt64(0)..<16 {
          let (isWritable, isDirty, isUserPage, user) = (bits & 1 != 0, bits & 2 != 0, bits & 4 != 0, bits & 8 != 0)
          var world = ModeWorld(shape, "cet=1")
          world.put(world.plain & ~0x46 | (isWritable ? 2 : 0) | (isDirty ? 0x40 : 0) | (isUserPage ? 4 : 0))
          let isGood = !isWritable && isDirty && isUserPage == user
          for (kind, write) in [("sr", UInt64(0)), ("sw", 2)] {
            let expected = isGood ? world.ok() : world.fault(0x41 | write | (user ? 4 : 0))
            let answer = world.ask(kind, "user=\(user ? 1 : 0)")
            claim(answer == expected, "\(kind), \(shape), case \(bits): \(answer), expected \(expected)")
          }
          // An ordinary write to such a page is one to a read-only page.
          if isGood {
            let answer = world.ask("w", "user=\(user ? 1 : 0)")
            claim(answer == world.fault(user ? 7 : 3), "ordinary write, \(shape): \(answer)")
            claim(world.ask("r", "user=\(user ? 1 : 0)") == world.ok(), "ordinary read, \(shape)")
          }
        }
      }
      for shape in GuestShape.all where !shape.isPage {
        var world = ModeWorld(shape, "cet=1")
        let leaf: UInt64 = shape.mode == "32" ? 0x15024 : 0x15048
        let word = leaf & ~7
        let shift = leaf % 8 * 8
        world.session.put(word, world.session.word(word) & ~(2 << shift))
        claim(world.ask("sw") == world.ok(), "writable \(shape) above the leaf")
        claim(
          world.ask("sw", "user=1 implicit=1") == world.fault(0x43), "implicit accesses are a supervisor's, \(shape)")
        world.put(world.plain & ~2)
        claim(world.ask("sw") == world.fault(0x47), "read-only \(shape) above the leaf")
        world.put(world.plain & ~1)
        claim(world.ask("sr") == world.fault(0x44), "absent \(shape)")
      }
    }
  }

  @Test("of shadow stacks meet EPT: bit 13, and under EPTP bit 7 the rule for the supervisor's")
  func shadowStacksInEPT() {
    Claims.table("shadow stacks in EPT") {
      for shape in GuestShape.pages {
        for user in [true, false] {
          var world = ModeWorld(shape, "cet=1")
          world.put(world.plain & ~0x6 | (user ? 4 : 0))
          let large = shape.level > 1
          let page: UInt64 = large ? 0x2008 : 0x2000
          let entry: UInt64 = large ? 0x4000_00b7 : 0xb7
          _ = world.session.send("eptp 109e")
          let answers = ["sr", "sw"].map { world.ask($0, "user=\(user ? 1 : 0)") }
          // The supervisor's needs bit 60 of the leaf; qualification: bits 7, 8, 13, rights 111, and the mode of the address.
          let gpa = world.ok().dropFirst(7)
          for (answer, qualification) in zip(answers, ["21b9", "21ba"]) {
            let expected = user ? world.ok() : "VIOL qual=\(qualification) gpa=\(gpa) gla=\(hex(world.linear))"
            claim(answer == expected, "unmarked, \(shape): \(answer), expected \(expected)")
          }
          world.session.put(page, entry | 1 << 60)
          for kind in ["sr", "sw"] {
            claim(world.ask(kind, "user=\(user ? 1 : 0)") == world.ok(), "marked, \(kind), \(shape)")
          }
        }
      }
    }
  }

  @Test("of protection keys: PKRU for user addresses, PKRS for supervisor addresses, data accesses alone")
  func keys() {
    Claims.table("protection keys") {
      for shape in Self.wide {
        for bits in UInt64(0)..<128 {
          let (accessDisable, writeDisable) = (bits & 1 != 0, bits & 2 != 0)
          let (isUserPage, user, wp) = (bits & 4 != 0, bits & 8 != 0, bits & 16 != 0)
          let (pke, pks) = (bits & 32 != 0, bits & 64 != 0)
          // Key 11: bits 23:22. The other register, and the other keys of this one, deny everything.
          let own = ~UInt64(3 << 22) & 0xffff_ffff | (accessDisable ? 1 << 22 : 0) | (writeDisable ? 1 << 23 : 0)
          let other: UInt64 = 0xffff_ffff
          var world = ModeWorld(
            shape,
            "wp=\(wp ? 1 : 0) pke=\(pke ? 1 : 0) pks=\(pks ? 1 : 0) pkru=0x\(hex(isUserPage ? own : other))"
              + " pkrs=0x\(hex(isUserPage ? other : own))")
          world.put(world.plain & ~4 | (isUserPage ? 4 : 0) | 11 << 59)
          for (kind, isWrite) in [("r", false), ("w", true), ("rw", true), ("x", false)] {
            let counts = (isUserPage ? pke : pks) && kind != "x"
            let byKey = counts && (accessDisable || (writeDisable && isWrite && (user || wp)))
            let byRights = user && !isUserPage
            let code: UInt64 = 1 | (isWrite ? 2 : 0) | (user ? 4 : 0) | (kind == "x" ? 16 : 0) | (byKey ? 32 : 0)
            let expected = byKey || byRights ? world.fault(code) : world.ok()
            let answer = world.ask(kind, "user=\(user ? 1 : 0)")
            claim(answer == expected, "\(kind), \(shape), case \(bits): \(answer), expected \(expected)")
          }
        }
      }
      for shape in GuestShape.pages where shape.mode == "32" || shape.mode == "pae" {
        var world = ModeWorld(shape, "pke=1 pks=1 pkru=0xffffffff pkrs=0xffffffff")
        claim(world.ask("w") == world.ok(), "no keys in \(shape)")
      }
      var world = ModeWorld(.init(mode: "4", level: 1, isPage: true), "pke=1 pkru=0xffffffff")
      world.put(0)
      claim(world.ask("r") == world.fault(4), "a missing page has no key")
      world.put(world.plain | 1 << 46)
      claim(world.ask("r") == world.fault(13), "a reserved bit goes before the key")
    }
  }

  @Test("of implicit accesses: the supervisor's, whatever EFLAGS.AC says")
  func implicitAccesses() {
    Claims.table("implicit accesses") {
      for shape in GuestShape.pages {
        for bits in 0..<8 {
          let (smap, ac, implicit) = (bits & 1, bits >> 1 & 1, bits >> 2 & 1)
          var world = ModeWorld(shape, "smap=\(smap) ac=\(ac)")
          for user in 0...1 {
            for (kind, write) in [("r", UInt64(0)), ("w", 2)] {
              let isSupervisor = user == 0 || implicit == 1
              let denied = isSupervisor && smap == 1 && (ac == 0 || implicit == 1)
              let answer = world.ask(kind, "user=\(user) implicit=\(implicit)")
              claim(
                answer == (denied ? world.fault(1 | write) : world.ok()), "\(kind), \(shape), case \(bits): \(answer)")
            }
          }
        }
      }
    }
  }
}
