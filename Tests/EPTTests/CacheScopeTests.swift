import Addresses
import Testing

@testable import EPT

@Suite("How far caching and invalidating reach")
struct CacheScopeTests {
  /// Two hierarchies, at 1000 and 6000, over the same lower tables, which map the first GByte to itself; a guest whose first page leads to 20000.
  private static func session(_ lines: String...) -> Session {
    var session = Session(
      "policy cache=maximal", "w64 1000 2007", "w64 6000 2007", "w64 2000 b7", "eptp 101e", "eptplist 50000",
      "w64 50000 101e", "w64 50008 601e", "w64 10000 11067", "w64 11000 12067", "w64 12000 13067", "w64 13000 20067",
      "reg mode=4 cr3=0x10000")
    for line in lines { _ = session.send(line) }
    return session
  }

  @Test("a violation drops the combined mappings of its own hierarchy, and those of no other")
  func violations() {
    Claims.table("violations under one of two hierarchies") {
      var session = Self.session("ctl vpid=5")
      claim(session.ask("la 10 w") == "OK hpa=20010", "cached under the first")
      // A right is taken away, and nothing is invalidated: the second hierarchy has nothing cached.
      for line in ["w64 2000 b5", "eptp 601e"] { _ = session.send(line) }
      claim(session.ask("la 10 w").hasPrefix("VIOL"), "the second sees it")
      _ = session.send("eptp 101e")
      claim(session.ask("la 10 w") == "OK hpa=20010", "the first has what it had")
      _ = session.send("invept 1 101e")
      claim(session.ask("la 10 w").hasPrefix("VIOL"), "until an INVEPT of its own")
    }
  }

  @Test("VMFUNC drops the combined mappings of VPID 0, whether it switches or exits, and none while VPIDs are on")
  func vmfunc() {
    Claims.table("what VMFUNC drops") {
      for (vpid, isDropped) in [(0, true), (5, false)] {
        for functions in [["vmfunc 0 1", "vmfunc 0 0"], ["vmfunc 0 0"], ["vmfunc 0 600"], ["vmfunc 1 0"]] {
          var session = Self.session("ctl vpid=\(vpid)")
          claim(session.ask("la 10 r") == "OK hpa=20010", "cached")
          for line in ["w64 13000 21067"] + functions { _ = session.send(line) }
          let answer = session.ask("la 10 r")
          claim(answer == (isDropped ? "OK hpa=21010" : "OK hpa=20010"), "VPID \(vpid), \(functions): \(answer)")
        }
        // #UD is no VM exit.
        var session = Self.session("ctl vpid=\(vpid)", "la 10 r", "w64 13000 21067")
        claim(session.ask("vmfunc 40 0") == "UD", "#UD")
        claim(session.ask("la 10 r") == "OK hpa=20010", "#UD drops nothing")
      }
    }
  }

  @Test("a cached table owes nothing for rights that its entries gained, and an INVEPT for whatever else changed")
  func cachedTables() {
    Claims.table("changes above cached tables") {
      // Entries that lead to the page at 5000, and other pages that share the first three, two or one of them.
      let ways = [(0x6000, 3), (0x20_6000, 2), (0x4000_6000, 1)] as [(UInt64, Int)]
      let slots = [0x1000, 0x2000, 0x3000] as [UInt64]
      for (gpa, shared) in ways {
        for changed in 0..<shared {
          let table = UInt64(changed + 2) << 12
          let copy = table | 0x10_0000
          for (before, after, owed) in [
            (table | 5, table | 7, .nothing), (table | 7, table | 5, .invept(Self.tag)),
            (table | 7, copy | 7, .invept(Self.tag)), (table | 7, 0, .invept(Self.tag)),
          ] as [(UInt64, UInt64, StaleTranslation.Owed)] {
            var machine = Self.machine()
            machine.memory.store(before, at: HostPhysicalAddress(slots[changed]))
            let what = "\(hex(before)) to \(hex(after)) at \(hex(slots[changed])), then \(hex(gpa))"
            var nobody = NoObserver()
            func access(_ gpa: UInt64, _ kind: AccessKind) -> (outcome: TranslationOutcome, stale: StaleTranslation?) {
              machine.examined(.physical(GuestAccess(GuestPhysicalAddress(gpa), kind)), &nobody)
            }
            claim(access(0x5000, .dataRead).outcome.hpa == 0x5000, "\(what): cached")
            machine.memory.store(after, at: HostPhysicalAddress(slots[changed]))
            let stale = access(gpa, .dataWrite).stale
            claim(stale?.owed == owed, "\(what): \(stale?.description ?? "not stale")")
            guard owed == .nothing else { continue }
            claim(access(gpa, .dataWrite).outcome.hpa == 0x6000, "\(what): retried")
          }
        }
      }
    }
  }

  private static let tag = EPTRTA(1)

  /// Pages 5000 and 6000 of the first 2 MByte, mapped to themselves, and again in the next 2 MByte and in the next GByte; copies of the tables, where the
  /// second page lies elsewhere.
  private static func machine() -> EPTMachine<SparseMemory> {
    var policies = Policies()
    policies.cache = .maximal
    let machine = EPTMachine(memory: SparseMemory(), eptp: EPTPointer(0x101e), policies: policies)
    for copy in [0, 0x10_0000] as [UInt64] {
      for (address, value) in [
        (0x1000, 0x2007), (0x2000, 0x3007), (0x2008, 0x3007), (0x3000, 0x4007), (0x3008, 0x4007), (0x4028, 0x5037),
        (0x4030, 0x6037),
      ] as [(UInt64, UInt64)] {
        machine.memory.store(value | copy, at: HostPhysicalAddress(address | copy))
      }
    }
    return machine
  }

  @Test("an access without paging caches no guest's tables, whatever the guest walked before")
  func pagingOff() {
    Claims.table("without paging") {
      // The second 2 MByte have a table of their own, whose pages all lie elsewhere.
      var world = CacheTests.world()
      world.set(GuestWorld.guestSlot(3, 1), 0x1_0067)
      for page in UInt64(0)..<8 { world.set(GuestWorld.guestSlot(0x10, page), 0x2_0067) }
      claim(world.linear(0x20_3000, .dataRead).hpa == GuestWorld.base + 0x2_0000, "cached")
      // A VM entry under a VPID may change the mode, and invalidates nothing.
      world.machine.guest.mode = .off
      claim(world.linear(0x5000, .dataRead).hpa == GuestWorld.base + 0x5000, "without paging")
      world.machine.guest.mode = .fourLevel
      claim(world.linear(0x6000, .dataRead).hpa == GuestWorld.base + 0x6000, "a neighbour, by the guest's own tables")
    }
  }

  @Test(
    "an access without paging makes a combined translation, too, which outlasts the guest-physical one until INVVPID")
  func unpagedCombined() {
    Claims.table("combined translations without paging") {
      for (line, isDropped) in [
        ("invvpid 1 5 0", true), ("invvpid 2 0 0", true), ("invvpid 1 6 0", false), ("", false),
      ] {
        var session = Self.session(
          "ctl vpid=5", "w64 2008 7007", "w64 7000 14007", "w64 14008 21035", "reg mode=off")
        claim(session.ask("la 40001000 r") == "OK hpa=21000", "cached")
        // A violation by the guest-physical address itself drops what was cached of that address alone.
        claim(session.ask("gpa 40001000 w").hasPrefix("VIOL"), "not writable")
        for line in ["w64 14008 22035", line] where !line.isEmpty { _ = session.send(line) }
        let answer = session.ask("la 40001000 r")
        claim(answer == (isDropped ? "OK hpa=22000" : "OK hpa=21000"), "\(line): \(answer)")
      }
    }
  }

  @Test("a write held up for want of sub-page permissions goes ahead, when retried, once the leaf permits it")
  func subPageRetries() {
    Claims.table("retries after a sub-page event") {
      // The entry of the lowest sub-page table but one: not there, or with a reserved bit.
      for (what, entry) in [("a miss", "0"), ("a misconfiguration", "33003")] {
        for access in ["gpa 40003000", "la 0"] {
          var session = Self.session(
            "ctl spp=1", "spptp 30000", "w64 30000 31001", "w64 31008 32001", "w64 32000 \(entry)", "w64 2008 7007",
            "w64 7000 14007", "w64 14018 2000000000023035", "w64 13000 40003067")
          claim(session.ask("\(access) r") == "OK hpa=23000", "\(what), \(access): cached")
          let refused = session.ask("\(access) w")
          claim(refused.hasPrefix("SPP"), "\(what), \(access): \(refused)")
          _ = session.send("w64 14018 23037")
          claim(session.ask("\(access) w") == "OK hpa=23000", "\(what), \(access): retried")
        }
      }
    }
  }

  @Test("an address beyond the 48 bits of a walk uses nothing that a walk of five levels cached at the same root")
  func wideAddresses() {
    Claims.table("wide addresses over shared tables") {
      let wide = GuestAccess(GuestPhysicalAddress(1 << 48 | 0x5000), .dataRead)
      // 1-GByte, 2-MByte and 4-KByte pages, so that walks end with different entries cached.
      for entries in [
        [(0x2000, 0xb7)], [(0x2000, 0x3007), (0x3000, 0xb7)], [(0x2000, 0x3007), (0x3000, 0x4007), (0x4028, 0x5037)],
      ]
        as [[(UInt64, UInt64)]]
      {
        var policies = Policies()
        policies.cache = .maximal
        var capabilities = Capabilities.all
        capabilities.set(.walkLength5, to: true)
        var machine = EPTMachine(
          memory: SparseMemory(), capabilities: capabilities, eptp: EPTPointer(0x26), policies: policies)
        for (address, value) in [(8, 0x1007), (0x1000, 0x2007)] + entries {
          machine.memory.store(value, at: HostPhysicalAddress(address))
        }
        var nobody = NoObserver()
        claim(machine.examined(.physical(wide), &nobody).outcome.hpa == 0x5000, "five levels")
        machine.eptp = EPTPointer(0x1e)
        let (outcome, stale) = machine.examined(.physical(wide), &nobody)
        var plain = EPTMachine(memory: machine.memory, capabilities: capabilities, eptp: EPTPointer(0x1e))
        let fresh = plain.access(wide).violation
        claim(fresh != nil && outcome.violation == fresh, "four levels: \(outcome.summary)")
        claim(machine.caches.used.isEmpty && stale == nil, "nothing cached is used: \(machine.caches.used)")
        machine.eptp = EPTPointer(0x26)
        claim(machine.examined(.physical(wide), &nobody).outcome.hpa == 0x5000, "five levels again")
      }
    }
  }

  @Test("each kind of thing that `random` caches is now used, now dropped")
  func random() {
    Claims.table("what random drops") {
      // Each: what is accessed first, the edit that nobody is told of, what is accessed then, and the answer by what is cached.
      for (what, before, edit, after, stale) in [
        ("a translation", "gpa 40001000 r", "w64 14008 22077", "gpa 40001000 r", "OK hpa=21000"),
        ("a table of EPT", "gpa 40002000 r", "w64 7000 15007", "gpa 40001000 r", "OK hpa=21000"),
        ("a combined translation", "la 10 r", "w64 13000 21067", "la 10 r", "OK hpa=20010"),
        ("a table of the guest", "la 1010 r", "w64 12000 16067", "la 10 r", "OK hpa=20010"),
        ("a sub-page vector", "gpa 40003000 w", "w64 33018 0", "gpa 40003000 w", "OK hpa=23000 spp"),
        ("a sub-page table", "gpa 40004000 w", "w64 32000 34001", "gpa 40003000 w", "OK hpa=23000 spp"),
      ] {
        var (used, dropped) = (0, 0)
        for seed in 0..<64 {
          var session = Self.session(
            "policy cache=random seed=\(seed)", "ctl vpid=5 spp=1", "spptp 30000", "w64 30000 31001", "w64 31008 32001",
            "w64 32000 33001", "w64 33018 5555555555555555", "w64 33020 5555555555555555",
            "w64 2008 7007", "w64 7000 14007", "w64 14008 21077", "w64 14010 22077",
            // Pages with sub-page permissions; other tables that lead elsewhere.
            "w64 14018 2000000000023035", "w64 14020 2000000000024035", "w64 15008 25077", "w64 13008 28067",
            "w64 16000 26067")
          let first = session.ask(before)
          claim(first.hasPrefix("OK"), "\(what), seed \(seed): \(first)")
          _ = session.send(edit)
          if session.ask(after) == stale { used += 1 } else { dropped += 1 }
        }
        // By one chance in 2^40 or so it is otherwise.
        claim(used > 2 && dropped > 2, "\(what): used \(used) times, dropped \(dropped) times")
      }
    }
  }
}
