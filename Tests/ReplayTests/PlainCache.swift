import GuestIntegrity

/// Least recently used, as a list a set: the most recent first.
struct PlainCache {
  struct Key: Hashable {
    var set: TableSet
    var number: UInt64
    var isGlobal = false
    /// The number is that of a linear region of 2 MiB.
    var isRegion = false
  }

  private var lists: [[Key]]
  private let ways: Int

  init(entries: Int, ways: Int) {
    lists = Array(repeating: [], count: ways > 0 ? entries / ways : 0)
    self.ways = ways
  }

  mutating func hit(_ key: Key) -> Bool {
    guard !lists.isEmpty, let place = lists[slot(key)].firstIndex(of: key) else { return false }
    lists[slot(key)].remove(at: place)
    lists[slot(key)].insert(key, at: 0)
    return true
  }

  mutating func insert(_ key: Key) {
    guard !lists.isEmpty else { return }
    lists[slot(key)].insert(key, at: 0)
    if lists[slot(key)].count > ways { lists[slot(key)].removeLast() }
  }

  /// How many keys of these table sets there were.
  mutating func drop(_ sets: [TableSet]) -> Int { drop { sets.contains($0.set) } }

  /// How many such keys there were.
  mutating func drop(where leaves: (Key) -> Bool) -> Int {
    let before = lists.reduce(0) { $0 + $1.count }
    for slot in lists.indices { lists[slot].removeAll(where: leaves) }
    return before - lists.reduce(0) { $0 + $1.count }
  }

  private func slot(_ key: Key) -> Int { Int(key.number % UInt64(lists.count)) }
}
