/// What makes a walk cheap: the paging-structure caches, and the share of the data caches that holds EPT entries.
///
/// Paging-structure caches hold PDEs, PDPTEs and PML4Es that point to tables (SDM vol. 3C, "Caching Translation
/// Information"); the walk starts below the deepest one that hits. Cache lines of EPT entries compete with the guest's own
/// data; that competition is not traced, so the profile states how many lines survive at each level (an assumption).
struct WalkCaches {
  private let pde: SetAssociativeCache
  private let pdpte: SetAssociativeCache
  private let pml4e: SetAssociativeCache
  private let lines: [SetAssociativeCache]

  /// The caches of a profile; `lines` stands in for the first-level, second-level and last-level data cache where something
  /// else competes for them.
  init(geometry: CacheGeometry, lines: [SetAssociativeCache]? = nil) {
    pde = SetAssociativeCache(fullyAssociative: geometry.pdeCache)
    pdpte = SetAssociativeCache(fullyAssociative: geometry.pdpteCache)
    pml4e = SetAssociativeCache(fullyAssociative: geometry.pml4eCache)
    self.lines =
      lines
      ?? [geometry.walkLines.l1, geometry.walkLines.l2, geometry.walkLines.l3].map { count in
        let ways = count >= 8 ? 8 : max(count, 1)
        var sets = 1
        while sets * 2 * ways <= count { sets *= 2 }
        return SetAssociativeCache(entries: count == 0 ? 0 : sets * ways, ways: ways)
      }
  }

  func deallocate() {
    for cache in [pde, pdpte, pml4e] + lines { cache.deallocate() }
  }

  /// The cost of a walk that read these entries, top level first; `translated` says that it ended in a translation, so
  /// that its table pointers may be cached.
  func cost(of entries: WalkPath, page: UInt32, set: UInt32, translated: Bool) -> WalkCost {
    var cost = WalkCost()
    let depth = entries.count
    // Keys of the table pointers used: PML4E by bits 47:39, PDPTE by 47:30, PDE by 47:21, each with the table set.
    let pointers = [(pml4e, page >> 27), (pdpte, page >> 18), (pde, page >> 9)].prefix(max(0, depth - 1))
    var start = 0
    for (level, (cache, index)) in pointers.enumerated().reversed()
    where cache.ways > 0 && cache.hit(TranslationKey.key(page: index, set: set)) {
      start = level + 1
      break
    }
    cost.saved = UInt8(start)
    for level in start..<depth { cost.references[place(of: entries[level])] += 1 }
    if translated {
      for (level, (cache, index)) in pointers.enumerated() where level >= start {
        _ = cache.touch(TranslationKey.key(page: index, set: set))
      }
    }
    return cost
  }

  /// Drops the paging-structure entries of one table set, or of all; answers how many went.
  func invalidate(set: UInt32?) -> Int {
    [pde, pdpte, pml4e].reduce(0) { sum, cache in
      sum + cache.remove { key in set.map { TranslationKey.set(of: key) == $0 } ?? true }
    }
  }

  /// 0, 1, 2 for the cache level that held the entry's line, 3 for memory; the line becomes the most recent at each level.
  func place(of entry: UInt64) -> Int {
    let line = UInt32(truncatingIfNeeded: entry >> 6)
    var found = 3
    for (level, cache) in lines.enumerated() where cache.touch(line) && found == 3 { found = level }
    return found
  }
}
