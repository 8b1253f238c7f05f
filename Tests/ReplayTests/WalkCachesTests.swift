import Testing

@testable import Replay

@Suite("Walk caches")
struct WalkCachesTests {
  private let memory = CacheMemory()

  private func geometry(pde: Int, pdpte: Int, pml4e: Int) -> CacheGeometry {
    CacheGeometry(
      l1StoreTLB: .init(entries: 64, ways: 4), stlb: .init(entries: 1536, ways: 12), pdeCache: pde, pdpteCache: pdpte,
      pml4eCache: pml4e, walkLines: .init(l1: 64, l2: 1024, l3: 8192))
  }

  private func path(_ addresses: [UInt64]) -> WalkPath {
    addresses.reduce(into: WalkPath()) { $0.append($1) }
  }

  @Test("a cold walk reads every level from memory, a repeated one only the leaf, from the first-level cache")
  func coldThenWarm() {
    let caches = WalkCaches(geometry: geometry(pde: 32, pdpte: 4, pml4e: 4), in: memory)
    let entries = path([0x1000, 0x2000, 0x3000, 0x4000])
    let cold = caches.cost(of: entries, page: 5, set: 0, translated: true)
    #expect(cold.references == [0, 0, 0, 4] && cold.saved == 0)
    let warm = caches.cost(of: entries, page: 5, set: 0, translated: true)
    #expect(warm.references == [1, 0, 0, 0] && warm.saved == 3)
  }

  @Test("a refused store caches no table pointer")
  func refused() {
    let caches = WalkCaches(geometry: geometry(pde: 32, pdpte: 4, pml4e: 4), in: memory)
    let entries = path([0x1000, 0x2000, 0x3000, 0x4000])
    _ = caches.cost(of: entries, page: 5, set: 0, translated: false)
    #expect(caches.cost(of: entries, page: 5, set: 0, translated: false).saved == 0)
  }

  @Test("entries belong to their table set, and INVEPT of one set leaves the other")
  func tagged() {
    let caches = WalkCaches(geometry: geometry(pde: 32, pdpte: 4, pml4e: 4), in: memory)
    let entries = path([0x1000, 0x2000, 0x3000, 0x4000])
    _ = caches.cost(of: entries, page: 5, set: 0, translated: true)
    #expect(caches.cost(of: entries, page: 5, set: 1, translated: true).saved == 0)
    #expect(caches.invalidate(set: 1) == 3)
    #expect(caches.cost(of: entries, page: 5, set: 0, translated: true).saved == 3)
    #expect(caches.cost(of: entries, page: 5, set: 1, translated: true).saved == 0)
  }

  @Test("without paging-structure caches every level is read every time")
  func none() {
    let caches = WalkCaches(geometry: geometry(pde: 0, pdpte: 0, pml4e: 0), in: memory)
    let entries = path([0x1000, 0x2000, 0x3000, 0x4000])
    for _ in 0..<2 { #expect(caches.cost(of: entries, page: 5, set: 0, translated: true).saved == 0) }
  }
}
