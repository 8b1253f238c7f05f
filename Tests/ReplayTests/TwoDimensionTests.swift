import Addresses
import EPT
import Foundation
import Testing
import Recordings

@testable import Replay

/// A guest of 16 MiB, mapped onto itself by an EPT of 4-KiB, 2-MiB or 1-GiB pages, with tables as a replay rebuilds them.
struct NestedWorld {
  static let pages: UInt64 = 4096
  let owner: HostMemory
  var machine: EPTMachine<FlatMemory>
  var tables: GuestTables
  let cr3: UInt64 = 16 << 12

  /// `ept` is the level of the EPT's leaves.
  init(ept leaf: Level = .pte) {
    owner = HostMemory(byteCount: 32 << 20)!
    let memory = owner.memory
    let ept = Self.pages + 1024
    func entry(_ table: UInt64, _ index: UInt64, _ value: UInt64) {
      memory.store(value, at: HostPhysicalAddress((ept + table) << 12 | index << 3))
    }
    // PML4, PDPT, PD, then a PT for each 2 MiB of the guest and of the pages behind it.
    entry(0, 0, (ept + 1) << 12 | 7)
    entry(1, 0, leaf == .pdpte ? 0xb7 : (ept + 2) << 12 | 7)
    for region in 0..<16 as Range<UInt64> {
      entry(2, region, leaf == .pde ? region << 21 | 0xb7 : (ept + 3 + region) << 12 | 7)
      for page in 0..<512 as Range<UInt64> { entry(3 + region, page, (region << 9 | page) << 12 | 0x37) }
    }
    machine = EPTMachine(memory: memory, eptp: EPTPointer(ept << 12 | 0x1e))
    machine.policies.guestFlags = .before
    machine.guest.cr3 = cr3
    tables = GuestTables(memory: memory, recordedPages: Self.pages, pages: Self.pages + 1024)
  }

  /// Maps a linear page; gives the level of what that replaced.
  mutating func map(
    _ linear: UInt64, to page: UInt64, shift: Int = 12, bits: UInt64 = 0x67,
    tables above: RecordedEvent.TableEntries? = nil
  ) -> Level? {
    tables.install(
      RecordedEvent.LinearMapping(
        vcpu: 0, count: 0, cr3: cr3, linear: GuestLinearAddress(linear), pageShift: shift,
        entry: page << 12 | bits | (shift == 12 ? 0 : 0x80), tables: above))
  }

  /// Walks for a store, and gives the page it reaches with what that read.
  mutating func walk(_ linear: UInt64, _ caches: WalkCaches) -> (page: UInt64?, cost: WalkCost) {
    var path = NestedPath(linear: GuestLinearAddress(linear), root: cr3 >> 12)
    let outcome = machine.access(linear: GuestLinearAddress(linear), .write, user: false, &path)
    var page: UInt64?
    if case .translated(let translation) = outcome { page = translation.gpa.page.rawValue }
    return (page, caches.cost(of: path, set: 0, translated: page != nil))
  }
}

@Suite("Two dimensions")
struct TwoDimensionTests {
  private let memory = CacheMemory()

  private func caches(pointers: Int) -> WalkCaches {
    WalkCaches(
      geometry: CacheGeometry(
        l1StoreTLB: .init(entries: 64, ways: 4), stlb: .init(entries: 1536, ways: 12), pdeCache: pointers,
        pdpteCache: pointers, pml4eCache: pointers, walkLines: .init(l1: 64, l2: 1024, l3: 8192)), in: memory)
  }

  @Test(
    "a cold walk of g guest levels through e levels of EPT reads (g + 1)(e + 1) - 1 entries",
    arguments: [12, 21, 30], [Level.pte, .pde, .pdpte])
  func cold(shift: Int, ept: Level) throws {
    var world = NestedWorld(ept: ept)
    let caches = caches(pointers: 0)
    let linear: UInt64 = 0x40_0000_0000
    #expect(world.map(linear, to: shift == 12 ? 700 : 0, shift: shift) == nil)
    let (page, cost) = world.walk(linear | 5 << 12 & (1 << UInt64(shift) - 1), caches)
    #expect(page == (shift == 12 ? 700 : 5))
    let guest = 4 - (shift - 12) / 9
    let nested = 5 - Int(ept.rawValue)
    #expect(cost.references.wrappedSum() == UInt8((guest + 1) * (nested + 1) - 1), "\(guest) x \(nested)")
    #expect(Int(cost.guestEntries) == guest && cost.saved == 0)
  }

  @Test("a walk beside one that is cached reads the guest's PTE and the last EPT entry, and saves the 22 others")
  func warm() {
    var world = NestedWorld()
    let caches = caches(pointers: 4)
    for page in 0..<2 as Range<UInt64> { _ = world.map(page << 12, to: 700 + page) }
    // Cold, but for the PML4E, PDPTE and PDE of the EPT that the walk itself has brought in: tables and page share them in part.
    let cold = world.walk(0, caches).cost
    #expect(Int(cold.references.wrappedSum()) + Int(cold.saved) == 24)
    let warm = world.walk(1 << 12, caches).cost
    #expect(warm.references.wrappedSum() == 2 && warm.guestEntries == 1 && warm.saved == 22)
    // A load of CR3 leaves the guest-physical entries: four guest entries, and a last EPT entry for each and for the page.
    #expect(caches.invalidateCombined() == 3)
    let after = world.walk(1 << 12, caches).cost
    #expect(after.references.wrappedSum() == 9 && after.guestEntries == 4 && after.saved == 15)
  }

  @Test("a mapping replaces what it must, and no more")
  func tables() {
    var world = NestedWorld()
    let caches = caches(pointers: 0)
    #expect(world.map(0x20_0000, to: 512, shift: 21) == nil)
    #expect(world.walk(0x20_3000, caches).page == 515)
    #expect(world.map(0x20_0000, to: 512, shift: 21) == nil, "each page of a large one brings it again")
    // One page of the large one changes: the others stay where they were.
    #expect(world.map(0x20_3000, to: 99) == .pde)
    #expect(world.walk(0x20_3000, caches).page == 99 && world.walk(0x20_4000, caches).page == 516)
    #expect(world.map(0x20_3000, to: 98) == .pte)
    #expect(world.walk(0x20_3000, caches).page == 98)
    // The table is told to lie elsewhere: what it held goes with it.
    let above = RecordedEvent.TableEntries(pml4e: 20 << 12 | 0x67, pdpte: 21 << 12 | 0x67, pde: 22 << 12 | 0x67)
    #expect(world.map(0x20_3000, to: 97, tables: above) == .pml4e)
    #expect(world.walk(0x20_3000, caches).page == 97 && world.walk(0x20_4000, caches).page == 516)
    let entry = world.owner.memory.load(HostPhysicalAddress(22 << 12 | 3 << 3))
    #expect(entry == 97 << 12 | 0x67, "the PTE lies where the recording says")
    // Beyond the guest's memory there is no table.
    #expect(world.tables.root(NestedWorld.pages << 12) == nil)
  }

  @Test("the kernel's half is every root's, the user's half its own")
  func halves() {
    var world = NestedWorld()
    let caches = caches(pointers: 0)
    _ = world.map(0xffff_8880_0000_0000, to: 600)
    _ = world.map(0x1000, to: 601)
    _ = world.tables.root(17 << 12)
    world.machine.guest.cr3 = 17 << 12
    #expect(world.walk(0xffff_8880_0000_0000, caches).page == 600)
    #expect(world.walk(0x1000, caches).page == nil)
  }

  @Test("flags that the recording cleared are set by the first store, and only by it")
  func flags() {
    var world = NestedWorld()
    let above = RecordedEvent.TableEntries(pml4e: 20 << 12 | 0x67, pdpte: 21 << 12 | 0x67, pde: 22 << 12 | 0x47)
    for (bits, expected) in [(0x67 as UInt64, 1), (0x07, 1), (0x67, 0)] {
      // The PDE lacks its accessed flag the first time, the PTE both of its flags the second time.
      var known = above
      if expected == 0 || bits == 0x07 { known.pde |= 0x20 }
      _ = world.map(0x3000, to: 700, bits: bits, tables: known)
      for updates in [expected, 0] {
        var path = NestedPath(linear: GuestLinearAddress(0x3000), root: world.cr3 >> 12)
        _ = world.machine.access(linear: GuestLinearAddress(0x3000), .write, user: false, &path)
        #expect(path.flagUpdates == updates)
      }
    }
  }
}

@Suite("The recordings in two dimensions", .serialized)
struct RecordedTwoDimensionTests {
  private func result(_ trace: String, _ strategies: [Strategy], _ dimensions: Dimensions) throws -> RunResult {
    let path = URL(fileURLWithPath: RecordedBoot.path).deletingLastPathComponent().appendingPathComponent(trace).path
    let profile = try #require(try ProfileLibrary.profile(named: ProfileLibrary.defaultName))
    return try replay(
      ReplayRequest(
        tracePath: path, strategies: strategies, profile: profile, dimensions: dimensions, countersOnly: true))
  }

  @Test("boot: the same stores are notified in one dimension and in two")
  func boot() throws {
    let one = try result("boot.trace", [.eptpExit], .one).strategies[0]
    let two = try result("boot.trace", [.eptpExit], .two).strategies[0]
    #expect(two.notifications.setDigest == one.notifications.setDigest)
    #expect(two.counts["guest_references", default: 0] > 0)
    // Before the guest turns paging on, linear and guest-physical addresses are the same.
    #expect(two.counts["unmapped_walks", default: 0] < 1000)
    #expect(one.counts["guest_references"] == nil && one.notifications.walkerUpdates == nil)
  }

  @Test(
    "pagetables: each flag that the processor sets in the server's protected tables is noticed, by every sound strategy"
  )
  func pageTables() throws {
    let strategies: [Strategy] = [.eptpExit, .filter, .ve, .singleStep]
    let result = try result("pagetables.trace", strategies, .two)
    // 20 times the server offers its 256 pages to the kernel, and writes each of them again.
    let updates = result.strategies.map(\.notifications.walkerUpdates)
    #expect(updates.allSatisfy { $0?.count == 20 * 256 && $0 == updates[0] })
    for strategy in result.strategies { #expect(strategy.counts["walker_updates"] == 20 * 256) }
    #expect(result.crosscheck.agree)
  }
}
