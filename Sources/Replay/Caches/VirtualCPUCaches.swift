import EPT

/// The translation caches of one vCPU: first-level store TLB, second-level TLB, and what makes walks cheap.
///
/// Only translations that permit a store are cached: a recording holds stores, and a refused store invalidates what
/// would translate it (SDM vol. 3C, "Operations that Invalidate Cached Mappings").
struct VirtualCPUCaches {
  let l1: SetAssociativeCache
  let stlb: SetAssociativeCache
  let walk: WalkCaches

  init(geometry: CacheGeometry) {
    l1 = SetAssociativeCache(entries: geometry.l1StoreTLB.entries, ways: geometry.l1StoreTLB.ways)
    stlb = SetAssociativeCache(entries: geometry.stlb.entries, ways: geometry.stlb.ways)
    walk = WalkCaches(geometry: geometry)
  }

  func deallocate() {
    l1.deallocate()
    stlb.deallocate()
    walk.deallocate()
  }

  /// INVEPT: drops what is tagged with one table set, or everything; answers how many entries went.
  func invalidate(set: UInt32?) -> Int {
    let leaves: (UInt32) -> Bool = { key in set.map { TranslationKey.set(of: key) == $0 } ?? true }
    return l1.remove(where: leaves) + stlb.remove(where: leaves) + walk.invalidate(set: set)
  }

  /// Drops all combined mappings, or all but the global ones, and all combined paging-structure entries; answers how many
  /// went.
  func invalidateLinear(retainingGlobals: Bool) -> Int {
    let leaves: (UInt32) -> Bool = { !retainingGlobals || !LinearKey.isGlobal($0) }
    return l1.remove(where: leaves) + stlb.remove(where: leaves) + walk.invalidateCombined()
  }

  /// Drops the combined mappings of what an entry of this level spans around a page, under every table set, and all combined
  /// paging-structure entries, as INVLPG does; answers how many went.
  func invalidateLinear(_ key: UInt32, below level: Level, ofKernel: Bool) -> Int {
    let leaves: (UInt32) -> Bool = { LinearKey.areSpanned($0, key, by: level, ofKernel: ofKernel) }
    return l1.remove(where: leaves) + stlb.remove(where: leaves) + walk.invalidateCombined()
  }
}
