/// What makes a walk cheap: the paging-structure caches, and the share of the data caches that holds paging-structure entries.
///
/// A walk starts below the deepest entry that a paging-structure cache holds. Cache lines of paging-structure entries compete
/// with the guest's own data; that competition is not traced, so the profile states how many lines survive at each level (an
/// assumption).
struct WalkCaches {
  /// Of guest-physical mappings: EPT entries.
  private let guestPhysical: PagingStructureCaches
  /// Of combined mappings: guest entries, with where EPT has put the tables they point to. Empty in one dimension.
  private let combined: PagingStructureCaches
  private let lines: DataCaches

  /// The caches of a profile; `lines` stands in for the data caches where something else competes for them.
  init(geometry: CacheGeometry, lines: DataCaches? = nil, in memory: CacheMemory) {
    guestPhysical = PagingStructureCaches(geometry: geometry, in: memory)
    combined = PagingStructureCaches(geometry: geometry, in: memory)
    self.lines = lines ?? DataCaches(geometry.walkLines, in: memory)
  }

  /// The cost of a walk that read these entries, top level first; `translated` says that it ended in a translation, so
  /// that its table pointers may be cached.
  func cost(of entries: WalkPath, page: UInt32, set: UInt32, translated: Bool) -> WalkCost {
    var cost = WalkCost()
    let pointers = max(0, entries.count - 1)
    let start = guestPhysical.start(of: UInt64(page), set: set, pointers: pointers)
    cost.saved = UInt8(start)
    for level in start..<entries.count { cost.references[place(of: entries[level])] += 1 }
    if translated { guestPhysical.fill(UInt64(page), set: set, from: start, pointers: pointers) }
    return cost
  }

  /// The cost of a walk in both dimensions.
  ///
  /// A combined entry knows where EPT has put the table it points to: it saves the guest entries down to its own, and the
  /// nested walks down to that of its table. Every other nested walk starts below the deepest guest-physical entry cached.
  func cost(of path: NestedPath, set: UInt32, translated: Bool) -> WalkCost {
    var cost = WalkCost()
    let known = combined.start(of: path.linearPage, set: set, pointers: path.pointers)
    for step in 0...path.guestEntries {
      let nested = path.nestedWalk(step)
      if known > 0, step <= known {
        cost.saved += UInt8(nested.count)
      } else {
        let pointers = max(0, nested.count - 1)
        let start = guestPhysical.start(of: path.page(step), set: set, pointers: pointers)
        cost.saved += UInt8(start)
        for entry in nested.dropFirst(start) { cost.references[place(of: path[entry])] += 1 }
        if translated || step < path.guestEntries {
          guestPhysical.fill(path.page(step), set: set, from: start, pointers: pointers)
        }
      }
      guard step < path.guestEntries else { break }
      if step < known {
        cost.saved += 1
      } else {
        cost.references[place(of: path[nested.upperBound])] += 1
        cost.guestEntries += 1
      }
    }
    if translated { combined.fill(path.linearPage, set: set, from: known, pointers: path.pointers) }
    return cost
  }

  /// Drops the paging-structure entries of one table set, or of all; answers how many went.
  func invalidate(set: UInt32?) -> Int { guestPhysical.invalidate(set: set) + combined.invalidate(set: set) }

  /// Drops the combined entries of every table set, as a load of CR3 and INVLPG do; answers how many went.
  func invalidateCombined() -> Int { combined.invalidate(set: nil) }

  /// Drops the guest-physical entries on the way to a page, as an EPT violation there does.
  func dropPhysical(_ page: UInt64, set: UInt32) { guestPhysical.drop(page, set: set) }

  /// Drops the combined entries on the way to a linear page, as an EPT violation of its translation does.
  func dropCombined(_ linearPage: UInt64, set: UInt32) { combined.drop(linearPage, set: set) }

  /// 0, 1, 2 for the cache level that held the entry's line, 3 for memory; the line becomes the most recent at each level.
  func place(of entry: UInt64) -> Int { lines.place(of: UInt32(truncatingIfNeeded: entry >> 6)) }
}
