import Addresses
import Testing

@testable import EPT

@Suite("EPT stores that cross a page")
struct StoreTests {
  /// The bytes that were stored, as offset and count, and the violation that was reported.
  static func store(
    _ world: inout GuestWorld, _ byteCount: Int, linear: Bool, at address: UInt64 = 0x9ffc
  ) -> (parts: [[Int]], gpa: UInt64?, outcome: StoreOutcome) {
    var nobody = NoObserver()
    let outcome =
      linear
      ? world.machine.store(linear: GuestLinearAddress(address), byteCount: byteCount, user: false, &nobody)
      : world.machine.store(
        GuestAccess(GuestPhysicalAddress(address), .dataWrite, gla: GuestLinearAddress(address)), byteCount: byteCount,
        &nobody)
    var gpa: UInt64?
    if case .violation(let violation) = outcome.refusal { gpa = violation.gpa.rawValue }
    return (outcome.parts.map { [$0.offset, $0.byteCount] }, gpa, outcome)
  }

  static func world(low: Bool, high: Bool, _ change: (inout Policies) -> Void = { _ in }) -> GuestWorld {
    var policies = Policies()
    change(&policies)
    var world = GuestWorld(policies: policies)
    world.machine.eptp = EPTPointer(0x105e)
    if !low { world.set(GuestWorld.slot(9), GuestWorld.base + 0x9000 | 0x435) }
    if !high { world.set(GuestWorld.slot(10), GuestWorld.base + 0xa000 | 0x435) }
    return world
  }

  @Test("look at the addresses of both ends before either page, whatever the pages hold")
  func canonical() {
    Claims.table("stores across the canonical hole") {
      for (low, high) in [(true, true), (true, false), (false, true), (false, false)] {
        for (address, byteCount, bad) in [
          (0x7fff_ffff_fffc, 8, 0x8000_0000_0003), (0xffff_7fff_ffff_fffc, 8, 0xffff_7fff_ffff_fffc),
          (0x7fff_ffff_f001, 4096, 0x8000_0000_0000), (0x8000_0000_0000, 1, 0x8000_0000_0000),
        ] as [(UInt64, Int, UInt64)] {
          var world = Self.world(low: low, high: high)
          // The page before the hole is mapped, or not at all.
          world.set(GuestWorld.guestSlot(1, 255), low ? 0x2067 : 0)
          world.set(GuestWorld.guestSlot(2, 511), 0x3067)
          world.set(GuestWorld.guestSlot(3, 511), 0x4067)
          world.set(GuestWorld.guestSlot(4, 511), 0x9067)
          let outcome = Self.store(&world, byteCount, linear: true, at: address).outcome
          claim(
            outcome.parts.isEmpty && outcome.refusal == .notCanonical(GuestLinearAddress(bad)),
            "\(hex(address)), \(byteCount) bytes: \(String(describing: outcome.refusal))")
          claim(world.get(0x1000) & 0x100 == 0, "nothing is walked for")
        }
      }
      var world = Self.world(low: true, high: true)
      claim(
        Self.store(&world, 8, linear: true, at: 0x7fff_ffff_fff0).outcome.refusal != nil,
        "before the hole: a page fault")
    }
  }

  @Test("are stored whole or not at all, and report the low page first", arguments: [false, true])
  func wholeOrNothing(linear: Bool) {
    Claims.table("crossing stores, linear \(linear)") {
      for (low, high, parts, gpa) in [
        (true, true, [[0, 4], [4, 4]], nil), (false, true, [], 0x9ffc), (true, false, [], 0xa000),
        (false, false, [], 0x9ffc),
      ] as [(Bool, Bool, [[Int]], UInt64?)] {
        for byteCount in [8, 64] {
          var world = Self.world(low: low, high: high)
          let result = Self.store(&world, byteCount, linear: linear)
          let whole = parts.isEmpty ? [] : [[0, 4], [4, byteCount - 4]]
          claim(result.parts == whole && result.gpa == gpa, "\(low) \(high) \(byteCount): \(result)")
          let dirty = [9, 10].map { world.get(GuestWorld.slot($0)) & 0x200 != 0 }
          claim(dirty == (parts.isEmpty ? [false, false] : [true, true]), "dirty flags \(dirty) after \(low) \(high)")
        }
      }
      var world = Self.world(low: true, high: false)
      claim(Self.store(&world, 4, linear: linear).parts == [[0, 4]], "four bytes stay on the page")
      claim(Self.store(&world, 5, linear: linear).parts == [], "a fifth byte does not")
    }
  }

  @Test("report the high page first, or commit the permitted part of a wide store, by policy")
  func policies() {
    Claims.table("crossing stores by policy") {
      for linear in [false, true] {
        var world = Self.world(low: false, high: false) { $0.crossingOrder = .highFirst }
        claim(Self.store(&world, 8, linear: linear).gpa == 0xa000, "high page first")
        for (low, high, parts) in [(true, false, [[0, 4]]), (false, true, [[4, 12]])] as [(Bool, Bool, [[Int]])] {
          world = Self.world(low: low, high: high) { $0.wideStore = .permittedPart }
          let wide = Self.store(&world, 16, linear: linear)
          claim(wide.parts == parts && wide.outcome.refusal != nil, "16 bytes, \(low) \(high): \(wide)")
          world = Self.world(low: low, high: high) { $0.wideStore = .permittedPart }
          claim(Self.store(&world, 8, linear: linear).parts == [], "8 bytes stay whole")
        }
      }
    }
  }

  @Test("may use sub-page permissions only by policy, each page by its own vector")
  func subPages() {
    Claims.table("crossing stores and sub-pages") {
      for policy in [Policies.SubPageCrossing.deny, .perPage] {
        for linear in [false, true] {
          var world = Self.world(low: true, high: false) { $0.subPageCrossing = policy }
          world.machine.controls.set(.subPageWritePermissions, to: true)
          world.machine.fields.spptp = HostPhysicalAddress(0x40000)
          world.set(GuestWorld.slot(10), world.get(GuestWorld.slot(10)) | 1 << 61)
          for (table, value) in [(0x40000, 0x41001), (0x41000, 0x42001), (0x42000, 0x43001), (0x43050, 1)]
            as [(UInt64, UInt64)]
          {
            world.set(table, value)
          }
          let result = Self.store(&world, 8, linear: linear)
          claim(result.parts.count == (policy == .deny ? 0 : 2), "\(policy), linear \(linear): \(result)")
          let within = Self.store(&world, 8, linear: linear, at: 0xa000)
          claim(within.parts == [[0, 8]], "a write within the page uses its vector")
          claim(Self.store(&world, 8, linear: linear, at: 0xa07c).parts == [], "into a sub-page that is not writable")
        }
      }
    }
  }

  @Test("log each page once, also when both lie in one large page, and keep nothing if the log fills between")
  func log() {
    Claims.table("crossing stores and the log") {
      var world = Self.world(low: true, high: true)
      world.machine.controls.set(.enablePML, to: true)
      world.machine.fields.pmlAddress = HostPhysicalAddress(0x60000)
      claim(Self.store(&world, 8, linear: false).parts.count == 2, "both")
      claim([0x60ff8, 0x60ff0].map { world.get($0) } == [0x9000, 0xa000], "both logged")
      world = Self.world(low: true, high: true)
      world.machine.controls.set(.enablePML, to: true)
      world.machine.fields.pmlIndex = 0
      let full = Self.store(&world, 8, linear: false)
      claim(full.parts == [] && full.outcome.refusal.map { Verdict($0) } != nil, "the log fills between the pages")
      claim(world.machine.fields.pmlIndex == 0xffff, "one entry went")
      var large = GuestWorld(ept: .pde)
      large.machine.eptp = EPTPointer(0x105e)
      large.machine.controls.set(.enablePML, to: true)
      large.machine.fields.pmlAddress = HostPhysicalAddress(0x60000)
      claim(Self.store(&large, 8, linear: false).parts.count == 2, "one large page")
      claim(large.machine.fields.pmlIndex == 510, "one entry")
    }
  }
}
