/// Caches of paging-structure entries that point to tables: PML4Es, PDPTEs and PDEs of one kind of mapping (SDM vol. 3C,
/// "Caching Translation Information").
///
/// A PML4E is found by bits 47:39 of an address, a PDPTE by 47:30, a PDE by 47:21, each under its table set.
struct PagingStructureCaches {
  private let pml4e: SetAssociativeCache
  private let pdpte: SetAssociativeCache
  private let pde: SetAssociativeCache

  init(geometry: CacheGeometry, in memory: CacheMemory) {
    pml4e = SetAssociativeCache(fullyAssociative: geometry.pml4eCache, in: memory)
    pdpte = SetAssociativeCache(fullyAssociative: geometry.pdpteCache, in: memory)
    pde = SetAssociativeCache(fullyAssociative: geometry.pdeCache, in: memory)
  }

  private func cache(_ level: Int) -> SetAssociativeCache { level == 0 ? pml4e : level == 1 ? pdpte : pde }

  private func key(_ level: Int, _ page: UInt64, _ set: UInt32) -> UInt32 {
    TranslationKey.key(page: UInt32(truncatingIfNeeded: page >> UInt64(27 - 9 * level)), set: set)
  }

  /// How many entries a walk need not read: those down to the deepest one cached, of the first `pointers` levels.
  func start(of page: UInt64, set: UInt32, pointers: Int) -> Int {
    var level = pointers
    while level > 0 {
      level -= 1
      if cache(level).ways > 0, cache(level).hit(key(level, page, set)) { return level + 1 }
    }
    return 0
  }

  /// Caches the entries that a walk read, from level `start` on.
  func fill(_ page: UInt64, set: UInt32, from start: Int, pointers: Int) {
    for level in start..<max(start, pointers) { _ = cache(level).touch(key(level, page, set)) }
  }

  /// Drops the entries on the way to a page.
  func drop(_ page: UInt64, set: UInt32) {
    for level in 0..<3 { cache(level).remove(key(level, page, set)) }
  }

  /// Drops the entries of one table set, or of all; answers how many went.
  func invalidate(set: UInt32?) -> Int {
    [pde, pdpte, pml4e].reduce(0) { sum, cache in
      sum + cache.remove { key in set.map { TranslationKey.set(of: key) == $0 } ?? true }
    }
  }
}
