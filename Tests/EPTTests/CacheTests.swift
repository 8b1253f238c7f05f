import SeededRandom
import Addresses
import Testing

@testable import EPT

@Suite("EPT translation caches")
struct CacheTests {
  static func world(vpid: UInt16 = 1, cache: Policies.Cache = .maximal) -> GuestWorld {
    var controls = Controls.ept
    controls.set(.enableVPID, to: vpid != 0)
    var policies = Policies()
    policies.cache = cache
    var world = GuestWorld(controls: controls, policies: policies)
    world.machine.fields.vpid = vpid
    return world
  }

  static let tag = EPTRTA(1)

  @Test("keep a right that was taken away until INVEPT, and the detector names the access and the INVEPT owed")
  func staleRight() {
    Claims.table("stale rights") {
      var world = Self.world()
      let page = GuestWorld.base + 0x9000
      claim(world.examined(0x9010, .write).outcome.hpa == page + 0x10, "cached")
      world.set(GuestWorld.slot(9), page | 0x435)
      let (outcome, stale) = world.examined(0x9010, .write)
      claim(outcome.hpa == page + 0x10, "the stale translation still permits the write")
      claim(stale?.owed == .invept(Self.tag), "an INVEPT of the hierarchy was owed: \(stale?.description ?? "-")")
      claim(stale?.fresh.violation != nil, "the tables deny it")
      if let stale {
        let text = stale.description
        claim(text.contains("write of linear 0x9010") && text.contains("INVEPT of the hierarchy at 0x1000"), text)
      }
      // INVVPID drops the combined mapping; the guest-physical one is still there.
      claim(world.machine.invvpid(type: 1, vpid: 1, linear: GuestLinearAddress(0)) == .success, "INVVPID")
      claim(world.examined(0x9010, .write).stale?.owed == .invept(Self.tag), "INVVPID does not help")
      claim(world.machine.invept(type: 1, eptp: EPTPointer(0x901e)) == .success, "INVEPT of another hierarchy")
      claim(world.examined(0x9010, .write).stale != nil, "neither does the INVEPT of another hierarchy")
      claim(world.machine.invept(type: 1, eptp: EPTPointer(0x101e)) == .success, "INVEPT")
      let denied = world.examined(0x9010, .write)
      claim(denied.outcome.violation != nil && denied.stale == nil, "after INVEPT the write violates")
    }
  }

  @Test("answer a restriction that was lifted once at most: the violation itself invalidates")
  func staleRestriction() {
    Claims.table("stale restrictions") {
      var world = Self.world()
      let page = GuestWorld.base + 0x9000
      world.set(GuestWorld.slot(9), page | 0x435)
      claim(world.examined(0x9010, .read).outcome.hpa == page + 0x10, "cached read-only")
      world.set(GuestWorld.slot(9), page | 0x437)
      let spurious = world.examined(0x9010, .write)
      claim(spurious.outcome.violation != nil, "a spurious violation")
      claim(spurious.stale?.owed == .nothing, "which the detector sees, and knows for what it is")
      claim(world.examined(0x9010, .write) == (page + 0x10, nil), "the retry succeeds without INVEPT")
      // An absent entry is never cached.
      world.set(GuestWorld.slot(10), 0)
      claim(world.examined(0xa010, .write).outcome.violation != nil, "absent")
      world.set(GuestWorld.slot(10), page | 0x437)
      claim(world.examined(0xa010, .write) == (page + 0x10, nil), "present at once")
      // Nor is a misconfigured one.
      world.set(GuestWorld.slot(11), 2)
      claim(Verdict(world.examined(0xb010, .write).outcome), is: .misconfigures, "misconfigured")
      world.set(GuestWorld.slot(11), page | 0x437)
      claim(world.examined(0xb010, .write) == (page + 0x10, nil), "repaired at once")
    }
  }

  @Test("answer a restriction that was lifted in an upper entry once at most, too")
  func staleUpperRestriction() {
    Claims.table("stale upper restrictions") {
      for (address, what) in [(0x1000, "PML4E"), (0x2000, "PDPTE"), (0x3000, "PDE")] as [(UInt64, String)] {
        for isLinear in [false, true] {
          var world = Self.world()
          let page = GuestWorld.base + 0x9000
          let write = { (world: inout GuestWorld, offset: UInt64) in
            isLinear ? world.examined(0x9000 + offset, .write) : world.examined(gpa: 0x9000 + offset, .dataWrite)
          }
          world.set(address, world.get(address) & ~2)
          // Guest tables are written by nobody here: their flags are set.
          let read = isLinear ? world.examined(0x9010, .read) : world.examined(gpa: 0x9010, .dataRead)
          claim(isLinear || read.outcome.hpa == page + 0x10, "\(what): read")
          claim(write(&world, 0x10).outcome.violation != nil, "\(what): no write")
          world.set(address, world.get(address) | 2)
          // No INVEPT is owed for a right that was added: one spurious violation at most, then the tables count.
          _ = write(&world, 0x10)
          let again = write(&world, 0x10)
          claim(again.outcome.hpa == page + 0x10 && again.stale == nil, "\(what), linear \(isLinear): \(again)")
          let beside = isLinear ? world.examined(0xa010, .write) : world.examined(gpa: 0xa010, .dataWrite)
          claim(beside.stale == nil || beside.outcome.violation != nil, "\(what): another page")
        }
      }
    }
  }

  @Test("keep upper entries too: another page of the region sees the stale table")
  func pagingStructures() {
    Claims.table("paging-structure caches") {
      for (address, what) in [(0x1000, "PML4E"), (0x2000, "PDPTE"), (0x3000, "PDE")] as [(UInt64, String)] {
        var world = Self.world()
        claim(world.examined(gpa: 0x9000, .dataWrite).outcome.hpa != nil, "cached")
        world.set(address, world.get(address) & ~2)
        let other = world.examined(gpa: 0x8_0000, .dataWrite)
        claim(other.outcome.hpa != nil && other.stale?.owed == .invept(Self.tag), "\(what), another page")
        claim(world.machine.invept(type: 2, eptp: EPTPointer(0)) == .success, "INVEPT")
        claim(world.examined(gpa: 0x8_0000, .dataWrite).outcome.violation == 0x1aa, "\(what) after INVEPT")
      }
    }
  }

  @Test("show flags that were cleared without INVEPT, and flags enabled without it")
  func staleFlags() {
    Claims.table("stale flags") {
      var world = Self.world()
      world.machine.eptp = EPTPointer(0x105e)
      claim(world.examined(gpa: 0x9000, .dataWrite).stale == nil, "sets the dirty flag")
      claim(world.get(GuestWorld.slot(9)) & 0x300 == 0x300, "dirty")
      world.set(GuestWorld.slot(9), world.get(GuestWorld.slot(9)) & ~0x200)
      let missed = world.examined(gpa: 0x9000, .dataWrite)
      claim(missed.outcome.hpa != nil && missed.stale?.owed == .invept(Self.tag), "the dirty flag is not set again")
      claim(world.get(GuestWorld.slot(9)) & 0x200 == 0, "still clean")
      // A page cached clean cannot serve a write: its dirty flag is set by a walk.
      claim(world.examined(gpa: 0xa000, .dataRead).stale == nil, "read")
      claim(world.examined(gpa: 0xa000, .dataWrite).stale == nil, "then written")
      claim(world.get(GuestWorld.slot(10)) & 0x300 == 0x300, "dirty after read and write")
      // Flags enabled on a root that was used without them.
      world = Self.world()
      claim(world.examined(gpa: 0x9000, .dataWrite).stale == nil, "flags disabled")
      world.machine.eptp = EPTPointer(0x105e)
      claim(world.examined(gpa: 0x9000, .dataWrite).stale?.owed == .invept(Self.tag), "flags enabled, no INVEPT")
      claim(world.machine.invept(type: 1, eptp: EPTPointer(0x105e)) == .success, "INVEPT")
      claim(world.examined(gpa: 0x9000, .dataWrite).stale == nil, "flags set")
      claim(world.get(GuestWorld.slot(9)) & 0x300 == 0x300, "dirty at last")
    }
  }

  @Test("tell the guest's own forgotten invalidation from the hypervisor's")
  func guestStaleness() {
    Claims.table("guest staleness") {
      let events: [(String, (inout GuestWorld) -> Void, Bool)] = [
        ("nothing", { _ in }, true), ("INVLPG", { $0.machine.invlpg(GuestLinearAddress(0x9010)) }, false),
        ("INVLPG of another page", { $0.machine.invlpg(GuestLinearAddress(0xa010)) }, true),
        ("MOV to CR3", { $0.machine.moveToCR3(0x1000) }, false),
        ("CR4.PGE", { $0.machine.flushGuestMappings() }, false),
        ("INVVPID address", { _ = $0.machine.invvpid(type: 0, vpid: 1, linear: GuestLinearAddress(0x9fff)) }, false),
        ("INVVPID other", { _ = $0.machine.invvpid(type: 1, vpid: 2, linear: GuestLinearAddress(0)) }, true),
        ("INVVPID all", { _ = $0.machine.invvpid(type: 2, vpid: 0, linear: GuestLinearAddress(0)) }, false),
        ("INVEPT", { _ = $0.machine.invept(type: 1, eptp: EPTPointer(0x101e)) }, false),
        ("VM exit and entry, VPIDs on", { $0.machine.vmTransition() }, true),
      ]
      for (name, event, remains) in events {
        var world = Self.world()
        claim(world.examined(0x9010, .write).outcome.hpa == GuestWorld.base + 0x9010, "cached")
        world.set(GuestWorld.guestSlot(4, 9), 0xb067)
        event(&world)
        let (outcome, stale) = world.examined(0x9010, .write)
        claim(outcome.hpa == GuestWorld.base + (remains ? 0x9010 : 0xb010), "\(name): \(outcome.summary)")
        claim(stale?.owed == (remains ? .guestInvalidation(vpid: 1) : nil), "\(name): \(stale?.description ?? "fresh")")
      }
      var world = Self.world(vpid: 0)
      claim(world.examined(0x9010, .write).outcome.hpa == GuestWorld.base + 0x9010, "cached, VPIDs off")
      world.set(GuestWorld.guestSlot(4, 9), 0xb067)
      world.machine.vmTransition()
      claim(world.examined(0x9010, .write).stale == nil, "a transition drops VPID 0")
    }
  }

  @Test("keep global translations where the manual says, and drop them where it says")
  func globals() {
    Claims.table("global translations") {
      let events: [(String, (inout GuestWorld) -> Void, Bool)] = [
        ("MOV to CR3", { $0.machine.moveToCR3(0x1000) }, true),
        ("MOV to CR3, other PCID", { $0.machine.moveToCR3(0x1005) }, true),
        ("INVLPG", { $0.machine.invlpg(GuestLinearAddress(0x9010)) }, false),
        ("flush", { $0.machine.flushGuestMappings() }, false),
        ("INVVPID 3", { _ = $0.machine.invvpid(type: 3, vpid: 1, linear: GuestLinearAddress(0)) }, true),
        ("INVVPID 1", { _ = $0.machine.invvpid(type: 1, vpid: 1, linear: GuestLinearAddress(0)) }, false),
      ]
      for (name, event, remains) in events {
        var world = Self.world()
        world.machine.guest.processContextIDs = true
        world.set(GuestWorld.guestSlot(4, 9), 0x9167)
        claim(world.examined(0x9010, .write).stale == nil, "cached as global")
        world.set(GuestWorld.guestSlot(4, 9), 0xb167)
        event(&world)
        claim((world.examined(0x9010, .write).stale != nil) == remains, name)
      }
      var world = Self.world()
      world.machine.guest.globalPages = false
      world.set(GuestWorld.guestSlot(4, 9), 0x9167)
      claim(world.examined(0x9010, .write).stale == nil, "cached, CR4.PGE = 0")
      world.set(GuestWorld.guestSlot(4, 9), 0xb167)
      world.machine.moveToCR3(0x1000)
      claim(world.examined(0x9010, .write).stale == nil, "not global without CR4.PGE")
    }
  }

  @Test("belong to their hierarchy: EPTP switching uses other mappings and comes back to the old ones")
  func switching() {
    Claims.table("caches across EPTP switching") {
      for vpid in [UInt16(0), 1] {
        var world = Self.world(vpid: vpid)
        world.machine.controls.set(.enableVMFunctions, to: true)
        world.machine.controls.vmFunctions = 1
        world.machine.fields.eptpList = HostPhysicalAddress(0x50000)
        world.set(0x50000, 0x101e)
        world.set(0x50008, 0x701e)
        world.set(0x7000, world.get(0x1000))
        claim(world.examined(0x9010, .write).outcome.hpa != nil, "cached under the first")
        world.set(GuestWorld.slot(9), GuestWorld.base + 0x9000 | 0x435)
        claim(world.machine.vmfunc(eax: 0, ecx: 1) == .switched(EPTPointer(0x701e), index: 1), "switch")
        let second = world.examined(0x9010, .write)
        claim(second.outcome.violation != nil && second.stale == nil, "the second hierarchy walks afresh")
        claim(world.machine.vmfunc(eax: 0, ecx: 0) == .switched(EPTPointer(0x101e), index: 0), "back")
        let first = world.examined(0x9010, .write)
        claim(first.outcome.hpa != nil && first.stale?.owed == .invept(Self.tag), "the first is stale as before")
      }
    }
  }

  @Test("drop at random what they may drop, the same way for the same seed")
  func random() {
    Claims.table("random caches") {
      var answers: [UInt64: [Bool]] = [:]
      for seed in [1, 2, 3, 1] as [UInt64] {
        var world = Self.world(cache: .random(seed: seed))
        var stale: [Bool] = []
        for round in 0..<64 {
          world.set(GuestWorld.slot(9), GuestWorld.base + 0x9000 | 0x437)
          _ = world.machine.invept(type: 2, eptp: EPTPointer(0))
          _ = world.examined(0x9010, .write)
          world.set(GuestWorld.slot(9), GuestWorld.base + 0x9000 | 0x435)
          let result = world.examined(0x9010, .write)
          stale.append(result.stale != nil)
          claim((result.stale != nil) == (result.outcome.hpa != nil), "seed \(seed), round \(round)")
        }
        claim(stale.contains(true) && stale.contains(false), "seed \(seed): some hits are dropped and some not")
        if let before = answers[seed] { claim(before == stale, "seed \(seed) repeats itself") }
        answers[seed] = stale
      }
    }
  }
}

private func == (result: (outcome: TranslationOutcome, stale: StaleTranslation?), expected: (UInt64, Never?)) -> Bool {
  result.outcome.hpa == expected.0 && result.stale == nil
}
