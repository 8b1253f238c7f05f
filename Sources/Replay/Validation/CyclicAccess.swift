/// Accesses to one page after the other, over and over: the working set at which a cache begins to miss is its knee.
enum CyclicAccess {
  /// The greatest working sets, in pages, that the first-level and the second-level TLB hold without a miss.
  static func knees(of geometry: CacheGeometry) -> (l1: Int, stlb: Int) {
    (
      knee(upTo: 4 * geometry.l1StoreTLB.entries, of: geometry) { $0.l1 },
      knee(upTo: 4 * geometry.stlb.entries, of: geometry) { $0.stlb }
    )
  }

  private static func knee(
    upTo limit: Int, of geometry: CacheGeometry, in level: (VirtualCPUCaches) -> SetAssociativeCache
  ) -> Int {
    // Hits of a cyclic working set only fall with its size, so bisection finds the last that fits.
    var (fits, misses) = (0, limit)
    while misses - fits > 1 {
      let pages = (fits + misses) / 2
      let memory = CacheMemory()
      defer { withExtendedLifetime(memory) {} }
      let cache = level(VirtualCPUCaches(geometry: geometry, in: memory))
      for page in 0..<pages { _ = cache.touch(TranslationKey.key(page: UInt32(page), set: 0)) }
      let hits = (0..<pages).count { cache.touch(TranslationKey.key(page: UInt32($0), set: 0)) }
      if hits == pages { fits = pages } else { misses = pages }
    }
    return fits
  }
}
