import EPT

/// The translation caches of one vCPU: a first-level TLB for each kind of access, the second-level TLB of all, and what makes
/// walks cheap.
///
/// A refused store invalidates what would translate it (SDM vol. 3C, "Operations that Invalidate Cached Mappings"). So of a
/// recording of stores alone, only translations that permit a store are cached; beside loads and fetches, ``CachedRights``
/// says which do.
struct VirtualCPUCaches {
  /// The first-level TLB that serves stores.
  let l1: SetAssociativeCache
  /// Those that serve loads and fetches; without entries where none are recorded.
  let loads: SetAssociativeCache
  let fetches: SetAssociativeCache
  let stlb: SetAssociativeCache
  let walk: WalkCaches

  init(geometry: CacheGeometry, hasAccesses: Bool = false, in memory: CacheMemory) {
    let none = CacheGeometry.SetAssociative(entries: 0, ways: 0)
    l1 = SetAssociativeCache(geometry.l1StoreTLB, in: memory)
    loads = SetAssociativeCache(hasAccesses ? geometry.loadTLB : none, in: memory)
    fetches = SetAssociativeCache(hasAccesses ? geometry.instructionTLB : none, in: memory)
    stlb = SetAssociativeCache(geometry.stlb, in: memory)
    walk = WalkCaches(geometry: geometry, in: memory)
  }

  /// The first-level TLB that serves such accesses.
  func first(of kind: RecordedAccessKind) -> SetAssociativeCache {
    switch kind {
    case .store: l1
    case .load: loads
    case .fetch: fetches
    }
  }

  /// INVEPT: drops what is tagged with one table set, or everything; answers how many entries went.
  func invalidate(set: UInt32?) -> Int {
    remove { key in set.map { TranslationKey.set(of: key) == $0 } ?? true } + walk.invalidate(set: set)
  }

  /// Drops all combined mappings, or all but the global ones, and all combined paging-structure entries; answers how many
  /// went.
  func invalidateLinear(retainingGlobals: Bool) -> Int {
    remove { !retainingGlobals || !LinearKey.isGlobal($0) } + walk.invalidateCombined()
  }

  /// Drops the combined mappings of what an entry of this level spans around a page, under every table set, and all combined
  /// paging-structure entries, as INVLPG does; answers how many went.
  func invalidateLinear(_ key: UInt32, below level: Level, ofKernel: Bool) -> Int {
    remove { LinearKey.areSpanned($0, key, by: level, ofKernel: ofKernel) } + walk.invalidateCombined()
  }

  private func remove(where leaves: (UInt32) -> Bool) -> Int {
    l1.remove(where: leaves) + loads.remove(where: leaves) + fetches.remove(where: leaves) + stlb.remove(where: leaves)
  }

  /// Drops one translation, as a violation or a page fault on its way does; answers whether a first-level TLB had it.
  func drop(_ key: UInt32) -> Bool {
    stlb.remove(key)
    let (store, load, fetch) = (l1.remove(key), loads.remove(key), fetches.remove(key))
    return store || load || fetch
  }
}
