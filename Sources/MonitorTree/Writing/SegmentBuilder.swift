import Addresses

/// Collects segments in ascending order as leaf entries: one entry a claim, neighbours that say the same made one.
struct SegmentBuilder {
  private(set) var entries: [Entry] = []
  private var lastStart = 0

  /// Empties the builder; the leaf run to be built starts at page `low`.
  mutating func begin() {
    entries.removeAll(keepingCapacity: true)
    lastStart = 0
  }

  /// Adds entries of whole segments that do not continue the last one.
  mutating func copy(_ more: ArraySlice<Entry>) {
    entries.append(contentsOf: more.first?.claim.pages == 0 ? more.dropFirst() : more)
    lastStart = entries.count
  }

  /// Adds the pages start ..< end with these claims (words whose pages and ordinals are ignored), sorted by region.
  mutating func add(_ start: UInt32, _ end: UInt32, claims: some RandomAccessCollection<Claim>) {
    guard start < end, !claims.isEmpty else { return }
    if continuesLast(start, claims) {
      let pages = end - entries[lastStart].key
      for index in lastStart..<entries.count {
        entries[index].claim = entries[index].claim.with(pages: pages, ordinal: index - lastStart)
      }
      return
    }
    lastStart = entries.count
    var ordinal = 0
    for claim in claims {
      entries.append(Entry(key: start, claim: claim.with(pages: end - start, ordinal: ordinal)))
      ordinal += 1
    }
  }

  private func continuesLast(_ start: UInt32, _ claims: some RandomAccessCollection<Claim>) -> Bool {
    guard lastStart < entries.count, entries.count - lastStart == claims.count,
      entries[lastStart].key + entries[lastStart].claim.pages == start
    else { return false }
    var index = lastStart
    for claim in claims {
      guard entries[index].claim.terms == claim.terms else { return false }
      index += 1
    }
    return true
  }

  /// The entries of a run of leaves that starts at page `low`: an empty statement first if nothing starts there.
  func finished(from low: UInt32) -> [Entry] {
    guard entries.first?.key != low else { return entries }
    return [Entry(key: low, claim: .none)] + entries
  }
}
