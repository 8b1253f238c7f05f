import SeededRandom

/// A chase of pointers strewn over a working set, one load after the other: the experiment behind published random-access
/// latencies.
///
/// Native, so the walk has one dimension; four levels of tables, mapped densely. The chase's own data competes with the page
/// tables for every data cache, line by line, least recently used. Accesses come from a fixed seed, so the figures are the
/// same everywhere.
struct PointerChase {
  /// The pages that the working set is mapped by.
  enum PageSize {
    /// 4 KiB.
    case small
    /// 2 MiB: the control that a walk's penalty is measured against.
    case large
  }

  /// What the accesses after warm-up found.
  struct Counts {
    /// Accesses.
    var accesses: UInt64 = 0
    /// Accesses served by the first-level TLB.
    var l1Hits: UInt64 = 0
    /// Accesses that needed a walk.
    var walks: UInt64 = 0
    /// References of the walks, by the cache that held the line; memory last.
    var references = SIMD4<UInt64>()
    /// The loads themselves, likewise.
    var loads = SIMD4<UInt64>()

    /// The mean price of an access: load, second-level TLB (which a walk has searched in vain), walk.
    var price: LinearForm {
      var price = LinearForm()
      let costs: [CostParameter] = [.l1Reference, .l2Reference, .l3Reference, .dramReference]
      let each = 1 / Double(max(accesses, 1))
      for (place, cost) in costs.enumerated() { price[cost] = Double(references[place] + loads[place]) * each }
      price[.stlbHit] = Double(accesses - l1Hits) * each
      return price
    }
  }

  private let smallPages: UInt32
  private let pageSize: PageSize
  private let part: MeasuredPart
  private let geometry: CacheGeometry

  /// A chase over `bytes` on a part with the second-level TLB and the paging-structure caches of a profile.
  init(bytes: UInt64, pages: PageSize, part: MeasuredPart, geometry: CacheGeometry) {
    smallPages = UInt32(clamping: max(1, bytes >> 12))
    pageSize = pages
    self.part = part
    self.geometry = geometry
  }

  /// What a walk adds to an access: the chase on 4 KiB pages less the same chase on 2 MiB pages, as it is measured.
  static func walkPenalty(bytes: UInt64, part: MeasuredPart, geometry: CacheGeometry, accesses: Int) -> LinearForm {
    func price(_ pages: PageSize) -> LinearForm {
      PointerChase(bytes: bytes, pages: pages, part: part, geometry: geometry).run(accesses: accesses).price
    }
    return price(.small) - price(.large)
  }

  /// Counts `accesses` after as many to warm up.
  func run(accesses: Int) -> Counts {
    let memory = CacheMemory()
    defer { withExtendedLifetime(memory) {} }
    func cache(_ size: CacheGeometry.SetAssociative) -> SetAssociativeCache { SetAssociativeCache(size, in: memory) }
    let tlb = cache(pageSize == .small ? part.smallTLB : part.largeTLB)
    let stlb = cache(geometry.stlb)
    let walk = WalkCaches(
      geometry: geometry, lines: DataCaches(cache(part.lines[0]), cache(part.lines[1]), cache(part.lines[2])),
      in: memory)
    var counts = Counts()
    var random = SplitMix64(seed: 0x6769_6265_6e63_6821)
    for number in 0..<2 * accesses {
      if number == accesses { counts = Counts() }
      let draw = random.next()
      let page = UInt32(truncatingIfNeeded: ((draw >> 32) * UInt64(smallPages)) >> 32)
      let key = TranslationKey.key(page: pageSize == .small ? page : page >> 9, set: 0)
      counts.accesses += 1
      if tlb.touch(key) {
        counts.l1Hits += 1
      } else if !stlb.touch(key) {
        counts.walks += 1
        let cost = walk.cost(of: path(to: page), page: page, set: 0, translated: true)
        counts.references &+= SIMD4(truncatingIfNeeded: cost.references)
      }
      counts.loads[walk.place(of: UInt64(page) << 12 | draw & 0xfc0)] += 1
    }
    return counts
  }

  /// Where the entries of a walk lie when each level's tables follow each other, behind the working set.
  private func path(to page: UInt32) -> WalkPath {
    var path = WalkPath()
    let shifts: [UInt32] = pageSize == .small ? [27, 18, 9, 0] : [27, 18, 9]
    for (level, shift) in shifts.enumerated() { path.append(UInt64(level + 1) << 33 | UInt64(page >> shift) << 3) }
    return path
  }
}
