/// Random accesses to a working set of 4 KiB pages through the modelled caches of a profile: what a pointer chase measures.
///
/// One table set of four levels, mapped densely from zero; the accesses come from a fixed seed, so the figures are the same
/// everywhere.
struct RandomAccess {
  /// What the accesses after warm-up found.
  struct Counts {
    /// Accesses.
    var accesses: UInt64 = 0
    /// Accesses served by the first-level TLB.
    var l1Hits: UInt64 = 0
    /// Accesses served by the second-level TLB.
    var stlbHits: UInt64 = 0
    /// References of the walks, by cache level.
    var references = SIMD4<UInt64>()
    /// Accesses that needed a walk.
    var walks: UInt64 { accesses - l1Hits - stlbHits }

    /// The mean price of a walk.
    var walkPrice: LinearForm {
      var price = LinearForm()
      let costs: [CostParameter] = [.l1Reference, .l2Reference, .l3Reference, .dramReference]
      for (place, cost) in costs.enumerated() where walks > 0 {
        price[cost] = Double(references[place]) / Double(walks)
      }
      return price
    }
  }

  private let pages: UInt32
  private var state: UInt64 = 0x6769_6265_6e63_6821

  /// Accesses to this many bytes, at least one page.
  init(bytes: UInt64) { pages = UInt32(clamping: max(1, bytes >> 12)) }

  /// Counts `count` accesses after as many to warm up.
  mutating func run(on geometry: CacheGeometry, accesses count: Int) -> Counts {
    let caches = VirtualCPUCaches(geometry: geometry)
    defer { caches.deallocate() }
    for _ in 0..<count { _ = access(next(), caches) }
    var counts = Counts()
    for _ in 0..<count {
      counts.accesses += 1
      switch access(next(), caches) {
      case .l1: counts.l1Hits += 1
      case .stlb: counts.stlbHits += 1
      case .walk(let cost): counts.references &+= SIMD4(truncatingIfNeeded: cost.references)
      }
    }
    return counts
  }

  private enum Found {
    case l1, stlb
    case walk(WalkCost)
  }

  private func access(_ page: UInt32, _ caches: VirtualCPUCaches) -> Found {
    let key = TranslationKey.key(page: page, set: 0)
    if caches.l1.touch(key) { return .l1 }
    if caches.stlb.touch(key) { return .stlb }
    return .walk(caches.walk.cost(of: Self.path(of: page), page: page, set: 0, translated: true))
  }

  /// Where the four entries of a walk lie when each level's tables follow each other.
  private static func path(of page: UInt32) -> WalkPath {
    var path = WalkPath()
    for (level, shift) in [27, 18, 9, 0].enumerated() {
      path.append(UInt64(level) << 40 | UInt64(page >> UInt32(shift)) << 3)
    }
    return path
  }

  private mutating func next() -> UInt32 {
    state ^= state << 13
    state ^= state >> 7
    state ^= state << 17
    return UInt32(((state >> 32) * UInt64(pages)) >> 32)
  }
}
