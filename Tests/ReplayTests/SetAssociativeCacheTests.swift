import SeededRandom
import Testing

@testable import Replay

/// The obvious model: one array a set, oldest last.
private struct SlowCache {
  let ways: Int
  var sets: [[UInt32]]

  init(entries: Int, ways: Int) {
    self.ways = ways
    sets = Array(repeating: [], count: entries / ways)
  }

  mutating func touch(_ key: UInt32) -> Bool {
    let set = Int(key) % sets.count
    let found = sets[set].firstIndex(of: key)
    if let found { sets[set].remove(at: found) }
    sets[set].insert(key, at: 0)
    if sets[set].count > ways { sets[set].removeLast() }
    return found != nil
  }

  mutating func remove(where leaves: (UInt32) -> Bool) -> Int {
    let before = sets.joined().count
    for i in sets.indices { sets[i].removeAll(where: leaves) }
    return before - sets.joined().count
  }
}

@Suite("A set-associative cache")
struct SetAssociativeCacheTests {
  private let memory = CacheMemory()

  @Test(
    "hits and misses as the obvious model does",
    arguments: [(64, 4), (16, 16), (1536, 12), (4, 4), (1, 1), (32, 1), (28, 7), (6, 3), (40, 5), (9, 9)])
  func againstModel(entries: Int, ways: Int) {
    for seed in UInt64(1)...4 {
      var random = SplitMix64(seed: seed)
      let cache = SetAssociativeCache(entries: entries, ways: ways, in: memory)
      var model = SlowCache(entries: entries, ways: ways)
      for step in 0..<20_000 {
        if Int.random(in: 0..<2000, using: &random) == 0 {
          let bit = UInt32.random(in: 0..<8, using: &random)
          #expect(
            cache.remove { $0 >> bit & 1 == 1 } == model.remove { $0 >> bit & 1 == 1 }, "seed \(seed) step \(step)")
        }
        let key = UInt32.random(in: 0..<UInt32(entries * 2), using: &random)
        #expect(cache.touch(key) == model.touch(key), "seed \(seed) step \(step) key \(key)")
      }
    }
  }

  @Test("keeps a working set of exactly its size and loses one page more", arguments: [(64, 4), (1536, 12), (2048, 8)])
  func knee(entries: Int, ways: Int) {
    func missesOfSecondRound(_ pages: UInt32) -> Int {
      let cache = SetAssociativeCache(entries: entries, ways: ways, in: memory)
      for key in 0..<pages { _ = cache.touch(key) }
      return (0..<pages).count { !cache.touch($0) }
    }
    #expect(missesOfSecondRound(UInt32(entries)) == 0)
    // One page more overflows one set, whose least recently used page is always the next one asked for.
    #expect(missesOfSecondRound(UInt32(entries) + 1) == ways + 1)
  }

  @Test("of no entries never hits")
  func noEntries() {
    let cache = SetAssociativeCache(entries: 0, ways: 1, in: memory)
    #expect(!cache.touch(1) && !cache.touch(1))
  }
}
