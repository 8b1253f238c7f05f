import CHost
import Recordings

/// A set-associative cache of 32-bit keys with true least-recently-used replacement, for counting hits and misses.
///
/// A set is `ways` consecutive keys, most recently used first, so a hit on the most recent key costs one comparison and
/// the oldest key is always the last. Storage is raw: the replay's inner loop must not touch reference counts or
/// exclusivity checks. It belongs to a `CacheMemory`.
@frozen
public struct SetAssociativeCache {
  /// The key that no translation has.
  @usableFromInline static var empty: UInt32 { .max }

  @usableFromInline let keys: UnsafeMutablePointer<UInt32>
  @usableFromInline let ways: Int
  @usableFromInline let setMask: UInt32

  /// A cache of `entries` keys in sets of `ways`; `entries / ways` is a power of two. No entries: it never hits.
  init(entries: Int, ways: Int, in memory: CacheMemory) {
    let sets = ways > 0 ? entries / ways : 0
    precondition(sets == 0 || sets.nonzeroBitCount == 1, "sets must be a power of two")
    self.ways = sets == 0 ? 0 : ways
    self.setMask = UInt32(max(sets, 1) - 1)
    keys = memory.keys(max(1, entries))
  }

  /// A fully associative cache of `entries` keys.
  init(fullyAssociative entries: Int, in memory: CacheMemory) { self.init(entries: entries, ways: entries, in: memory) }

  /// A cache of this size.
  init(_ size: CacheGeometry.SetAssociative, in memory: CacheMemory) {
    self.init(entries: size.entries, ways: size.ways, in: memory)
  }

  /// Whether the key is cached; a hit makes it the most recently used of its set.
  @inlinable @inline(__always)
  func hit(_ key: UInt32) -> Bool {
    let set = keys + Int(key & setMask) &* ways
    return set[0] == key || hitBehindFirst(key, in: set)
  }

  @inlinable
  func hitBehindFirst(_ key: UInt32, in set: UnsafeMutablePointer<UInt32>) -> Bool {
    let behind = chost_place_of(key, set + 1, ways &- 1)
    guard behind >= 0 else { return false }
    moveToFront(key, from: behind &+ 1, in: set)
    return true
  }

  /// Caches a key that is not cached, replacing the least recently used of its set.
  @inlinable
  func insert(_ key: UInt32) {
    guard ways > 0 else { return }
    moveToFront(key, from: ways &- 1, in: keys + Int(key & setMask) &* ways)
  }

  /// A hit, or else an insertion; says which.
  @inlinable
  func touch(_ key: UInt32) -> Bool {
    if ways > 0, hit(key) { return true }
    insert(key)
    return false
  }

  @inlinable @inline(__always)
  func moveToFront(_ key: UInt32, from way: Int, in set: UnsafeMutablePointer<UInt32>) {
    chost_put_first(key, set, way)
  }

  /// Drops a key, if it is cached, keeping the order of the others; answers whether it was.
  @discardableResult
  func remove(_ key: UInt32) -> Bool {
    let set = keys + Int(key & setMask) &* ways
    var way = chost_place_of(key, set, ways)
    guard way >= 0 else { return false }
    while way &+ 1 < ways {
      set[way] = set[way &+ 1]
      way &+= 1
    }
    set[way] = Self.empty
    return true
  }

  /// Drops every key the predicate names, keeping the order of the others; answers how many went.
  func remove(where leaves: (UInt32) -> Bool) -> Int {
    guard ways > 0 else { return 0 }
    var removed = 0
    for set in 0...Int(setMask) {
      let base = keys + set * ways
      var kept = 0
      for way in 0..<ways {
        let key = base[way]
        if key == Self.empty { continue }
        if leaves(key) {
          removed += 1
        } else {
          base[kept] = key
          kept += 1
        }
      }
      for way in kept..<ways { base[way] = Self.empty }
    }
    return removed
  }
}

/// The first-level TLB of one vCPU and the tag of its active table set: all that the common store reads.
///
/// The loop stands in one file with the cache: without whole-module optimisation only that makes its steps part of it.
struct FirstLevelTLB {
  let cache: SetAssociativeCache
  /// The active table set, as ``TranslationKey`` holds it.
  var tag: UInt32 = 0

  /// The position, among these indices of runs, of the first whose page the TLB of its vCPU does not hold; their number if
  /// there is none.
  @inline(never)
  static func firstMiss(
    of vcpus: UnsafeMutablePointer<Self>, in runs: UnsafeBufferPointer<Run>, _ indices: UnsafeBufferPointer<UInt32>,
    from start: Int
  ) -> Int {
    let count = indices.count
    guard let runs = runs.baseAddress, let indices = indices.baseAddress else { return count }
    var next = start
    while next < count {
      let run = runs[Int(indices[next])]
      let tlb = vcpus + run.vcpu
      guard tlb.pointee.cache.hit(TranslationKey.key(of: run) | tlb.pointee.tag) else { return next }
      next &+= 1
    }
    return next
  }
}
