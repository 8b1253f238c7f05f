import Addresses
import Testing

@testable import EPT

/// SDM vol. 3C, "Guidelines for Use of the INVEPT Instruction": after a right was added without INVEPT, a violation "will not recur if the
/// original access is performed again".
@Suite("Rights of EPT that are added without INVEPT")
struct WideningTests {
  static let sizes: [Level] = [.pte, .pde, .pdpte]
  static let levels = Level.allCases.filter { $0 < .pml5e }
  static let slots: [Level: UInt64] = [.pml4e: 0x1000, .pdpte: 0x2000, .pde: 0x3000]

  /// Where the tables of a world lie in guest-physical memory, and from where on in host-physical memory.
  static func tables(_ ept: Level) -> (first: UInt64, base: UInt64) {
    ept == .pte ? (0x1000, GuestWorld.base) : (0x9000, 0)
  }

  static func world(_ ept: Level, _ guest: Level, vpid: UInt16) -> GuestWorld {
    var controls = Controls.ept
    controls.set(.enableVPID, to: vpid != 0)
    var policies = Policies()
    policies.cache = .maximal
    var world = GuestWorld(ept: ept, guest: guest, controls: controls, policies: policies)
    world.machine.fields.vpid = vpid
    world.machine.guest.cr3 = tables(ept).first
    return world
  }

  @Test(
    "let an access go ahead that sets a flag in a guest's table, whichever entry of either dimension was in the way")
  func guestFlags() {
    Claims.table("widening at guests' tables") {
      for ept in Self.sizes {
        for guest in Self.sizes {
          for denied in Self.levels where denied >= ept {
            for step in Self.levels where step >= guest {
              for kind in [AccessKind.read, .write, .fetch] {
                for vpid in [0, 5] as [UInt16] {
                  retried(ept, guest, denied, step, kind, vpid: vpid)
                }
              }
            }
          }
        }
      }
    }
  }

  private func retried(_ ept: Level, _ guest: Level, _ denied: Level, _ step: Level, _ kind: AccessKind, vpid: UInt16) {
    let what =
      "EPT pages \(ept), guest pages \(guest), denied by \(denied), flag in the guest's \(step), \(kind.verb), VPID \(vpid)"
    var world = Self.world(ept, guest, vpid: vpid)
    let (first, base) = Self.tables(ept)
    let table = first + UInt64(Level.pml4e.rawValue - step.rawValue) << 12
    // A second address that shares all tables above this one, with an entry of its own that was not accessed.
    let entry = world.get(base + table)
    world.set(base + table + 8, entry & ~0x20)
    let address = step.byteCount
    let slot = denied == .pte ? GuestWorld.slot(table >> 12) : Self.slots[denied] ?? 0
    let whole = world.get(slot)
    world.set(slot, whole & ~2)
    claim(world.linear(0, .read).hpa != nil, "\(what): nothing is to be set for the first address")
    let refused = world.linear(address, kind)
    // The page to be written is refused first, where the entry that denies it maps that page as well.
    let isFinal = kind == .write && denied > .pte
    claim((refused.violation ?? 0) & 0x181 == (isFinal ? 0x180 : 0x81), "\(what): \(refused.summary)")
    world.set(slot, whole)
    let retried = world.linear(address, kind)
    claim(retried.hpa != nil, "\(what), retried: \(retried.summary)")
    claim(world.get(base + table + 8) & 0x20 != 0, "\(what): the flag is set")
    // Another address, warmed through what was cached before, is refused at most once as well.
    claim(world.linear(0, .read).hpa != nil, "\(what): the first address again")
  }

  @Test("let the access to the final page go ahead, too, by linear and by guest-physical address")
  func finalPage() {
    Claims.table("widening at final pages") {
      for ept in Self.sizes {
        for guest in Self.sizes {
          for denied in Self.levels where denied >= ept {
            for (kind, bits) in [(AccessKind.read, 7), (.write, 2), (.fetch, 4)] as [(AccessKind, UInt64)] {
              var world = Self.world(ept, guest, vpid: 5)
              // The page is none of the guest's tables', so that only it is refused.
              let slot = denied == .pte ? GuestWorld.slot(9) : Self.slots[denied] ?? 0
              // Larger entries map the tables as well, whose reads must go on.
              guard kind != .read || denied == .pte else { continue }
              let whole = world.get(slot)
              world.set(slot, whole & ~bits)
              let what = "EPT pages \(ept), guest pages \(guest), denied by \(denied), \(kind.verb)"
              let other: AccessKind = kind == .read ? .write : .read
              if kind != .read { claim(world.linear(0x9010, other).hpa != nil, "\(what): cached by another access") }
              claim(world.linear(0x9010, kind).violation != nil, what)
              world.set(slot, whole)
              claim(world.linear(0x9010, kind).hpa != nil, "\(what), retried")
              world.set(slot, whole & ~bits)
              let access = GuestAccess(
                GuestPhysicalAddress(0x9010), kind.union(.linear), gla: GuestLinearAddress(0x9010))
              _ = world.machine.invept(type: 2, eptp: EPTPointer(0))
              claim(world.machine.access(access).hpa == nil, "\(what): by guest-physical address")
              world.set(slot, whole)
              claim(world.machine.access(access).hpa != nil, "\(what): retried by guest-physical address")
            }
          }
        }
      }
    }
  }

  @Test("owe nothing, and the detector says so; what takes anything away owes an INVEPT")
  func detector() {
    Claims.table("the detector on widening") {
      for ept in Self.sizes {
        for denied in Self.levels where denied >= ept {
          var world = Self.world(ept, .pte, vpid: 5)
          let slot = denied == .pte ? GuestWorld.slot(9) : Self.slots[denied] ?? 0
          let whole = world.get(slot)
          world.set(slot, whole & ~2)
          claim(world.examined(0x9010, .read).stale == nil, "cached")
          world.set(slot, whole)
          let stale = world.examined(0x9010, .write).stale
          claim(stale?.owed == .nothing, "\(ept), \(denied): \(stale?.description ?? "nothing stale")")
          claim(
            stale?.description.hasSuffix("nothing was owed: rights were only added, and the retry finds them") == true,
            "in words")
          claim(world.examined(0x9010, .write).stale == nil, "\(ept), \(denied): the retry")
          world.set(slot, whole & ~4)
          let taken = world.examined(0x9010, .fetch).stale
          claim(taken?.owed == .invept(CacheTests.tag), "\(ept), \(denied): \(taken?.description ?? "nothing stale")")
        }
      }
      // Of the guest's own entries (SDM vol. 3A, "Optional Invalidation").
      for (bits, kind, user) in [(2, .write, false), (4, .read, true), (1 << 63, .fetch, false)]
        as [(UInt64, AccessKind, Bool)]
      {
        var world = Self.world(.pte, .pte, vpid: 5)
        let slot = GuestWorld.guestSlot(4, 9)
        let whole = world.get(slot)
        world.set(slot, whole ^ bits)
        _ = world.linear(0x9010, bits == 2 ? .read : .write)
        world.set(slot, whole)
        var nobody = NoObserver()
        let target = StaleTranslation.Target.linear(GuestLinearAddress(0x9010), kind, user: user)
        let stale = world.machine.examined(target, &nobody).stale
        claim(stale?.owed == .nothing, "guest right \(hex(bits)): \(stale?.description ?? "nothing stale")")
        claim(world.machine.examined(target, &nobody).stale == nil, "guest right \(hex(bits)): the retry")
        world.set(slot, whole + 0x1000)
        let moved = world.machine.examined(target, &nobody).stale
        claim(
          moved?.owed == .guestInvalidation(vpid: 5), "guest right \(hex(bits)), moved: \(moved?.description ?? "-")")
      }
    }
  }
}
