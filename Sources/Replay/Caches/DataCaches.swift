/// The share of the data caches that holds what walks read: lines of 64 bytes, by their number.
struct DataCaches {
  let l1: SetAssociativeCache
  let l2: SetAssociativeCache
  let l3: SetAssociativeCache

  /// A first-level, a second-level and a last-level cache.
  init(_ l1: SetAssociativeCache, _ l2: SetAssociativeCache, _ l3: SetAssociativeCache) {
    (self.l1, self.l2, self.l3) = (l1, l2, l3)
  }

  /// Caches of so many lines, of 8 ways where there are as many.
  init(_ lines: CacheGeometry.WalkLines, in memory: CacheMemory) {
    func cache(_ count: Int) -> SetAssociativeCache {
      let ways = count >= 8 ? 8 : max(count, 1)
      var sets = 1
      while sets * 2 * ways <= count { sets *= 2 }
      return SetAssociativeCache(entries: count == 0 ? 0 : sets * ways, ways: ways, in: memory)
    }
    self.init(cache(lines.l1), cache(lines.l2), cache(lines.l3))
  }

  /// 0, 1, 2 for the cache level that held the line, 3 for memory; the line becomes the most recent at each level.
  func place(of line: UInt32) -> Int {
    let (first, second, last) = (l1.touch(line), l2.touch(line), l3.touch(line))
    return first ? 0 : second ? 1 : last ? 2 : 3
  }
}
