import Addresses

/// Pages whose stores are refused although stores are logged: those written often, and those of critical regions.
///
/// The hypervisor traces them as a client of its own, so that their leaves are not writable; a page is traced so once.
struct PromotedPages {
  /// As whom they are traced.
  let client: TraceClient
  private let rule: Promotion
  private var drains: UInt64 = 0
  /// At which of the drains up to `last` the log held a page: bit 0 is that drain.
  private var histories: [GuestPageNumber: (hits: UInt64, last: UInt64)] = [:]
  /// Pages written often, and the drain before which a store to each came last.
  private var promoted: [GuestPageNumber: UInt64] = [:]
  /// Pages of critical regions, which stay; apart, so that no drain looks through them.
  private var kept = RunMap(false)

  init(_ client: TraceClient, _ rule: Promotion) { (self.client, self.rule) = (client, rule) }

  /// A store to a page has been refused.
  mutating func stored(to page: GuestPageNumber) {
    if promoted[page] != nil { promoted[page] = drains }
  }

  /// A log has been drained, and held these monitored pages: those that are promoted by that, and those that are not any more.
  mutating func drained(_ pages: [GuestPageNumber]) -> (promoted: [GuestPageNumber], demoted: [GuestPageNumber]) {
    drains += 1
    var hot: [GuestPageNumber] = []
    for page in pages where promoted[page] == nil && !kept[page.rawValue] {
      let hits = (hits(of: page) | 1) & mask
      histories[page] = (hits, drains)
      guard hits.nonzeroBitCount >= rule.hits else { continue }
      histories[page] = nil
      promoted[page] = drains
      hot.append(page)
    }
    let cold = promoted.filter { drains - $1 > UInt64(rule.window) }.keys.sorted()
    for page in cold { promoted[page] = nil }
    // What has left the window is forgotten once a window.
    if drains % UInt64(rule.window) == 0 { histories = histories.filter { hits(of: $0.key) & mask != 0 } }
    return (hot, cold)
  }

  /// Pages of a critical region are monitored: those that were not promoted.
  mutating func keep(_ range: PageRange) -> [PageRange] {
    var fresh: [PageRange] = []
    kept.forEach(in: range.numbers) { numbers, isKept in
      guard !isKept else { return }
      var next = numbers.lowerBound
      for page in Self.pages(of: promoted, in: numbers) {
        promoted[page] = nil
        if page.rawValue > next, let run = PageRange(next...page.rawValue - 1) { fresh.append(run) }
        next = page.rawValue + 1
      }
      if next <= numbers.upperBound, let run = PageRange(next...numbers.upperBound) { fresh.append(run) }
    }
    kept.change(range.numbers) { _ in true }
    return fresh
  }

  /// Pages are not monitored any more: those that were promoted.
  mutating func forget(_ range: PageRange) -> [PageRange] {
    for page in Self.pages(of: histories, in: range.numbers) { histories[page] = nil }
    var gone: [PageRange] = []
    for page in Self.pages(of: promoted, in: range.numbers) {
      promoted[page] = nil
      gone.append(PageRange(page: page))
    }
    kept.forEach(in: range.numbers) { numbers, isKept in
      if isKept, let run = PageRange(numbers) { gone.append(run) }
    }
    kept.change(range.numbers) { _ in false }
    return gone.sorted { $0.first < $1.first }
  }

  private var mask: UInt64 { ~0 >> UInt64(64 - rule.window) }

  private func hits(of page: GuestPageNumber) -> UInt64 {
    guard let history = histories[page], drains - history.last < 64 else { return 0 }
    return history.hits << (drains - history.last)
  }

  /// The keys in a range, ascending: the range is looked through, or the keys, whichever are fewer.
  private static func pages<Value>(
    of values: [GuestPageNumber: Value], in range: ClosedRange<UInt64>
  ) -> [GuestPageNumber] {
    range.upperBound - range.lowerBound < UInt64(values.count)
      ? range.map { GuestPageNumber($0) }.filter { values[$0] != nil }
      : values.keys.filter { range.contains($0.rawValue) }.sorted()
  }
}
