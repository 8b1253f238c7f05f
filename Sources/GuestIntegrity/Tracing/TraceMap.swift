import Addresses

/// A run of pages that the same clients trace, each counted client equally often.
struct TraceRun: Hashable, Sendable {
  var range: PageRange
  /// Guest integrity's two, and each counted one that traces the pages at all.
  var clients: ClientSet
  /// How often, for each counted client.
  var counts: [UInt16]

  /// The run; its counted clients follow from the counts.
  init(range: PageRange, guestIntegrity: ClientSet, counts: [UInt16]) {
    self.range = range
    self.counts = counts
    clients = guestIntegrity
    for (index, count) in counts.enumerated() where count > 0 {
      clients.formUnion(ClientSet(rawValue: 1 << UInt8(TraceMap.firstCounted + index)))
    }
  }
}

/// Which clients trace which page, and how often: bookkeeping only, no table is touched here.
struct TraceMap: Hashable, Sendable {
  private var clients: PagewiseValues<ClientSet>
  /// Traces by page, for each counted client.
  private var counts: [PagewiseValues<UInt16>] = []
  let pageCount: Int
  static let firstCounted = 2

  /// What happens to the traces of a run of pages.
  enum Change {
    /// Guest integrity traces the pages.
    case add(ClientSet)
    /// Guest integrity traces them no longer.
    case drop(ClientSet)
    /// A counted client traces the pages once more.
    case count(TraceClient)
    /// A counted client traces them once less.
    case discount(TraceClient)
  }

  init(pages: Int) {
    clients = PagewiseValues([], pages: pages)
    pageCount = pages
  }

  /// The clients that trace a page of guest memory.
  func clients(of page: Int) -> ClientSet { clients[page] }

  /// A new counted client; nil after six.
  mutating func addClient() -> TraceClient? {
    let index = Self.firstCounted + counts.count
    guard index < ClientSet.RawValue.bitWidth else { return nil }
    counts.append(PagewiseValues(0, pages: pageCount))
    return TraceClient(index: index)
  }

  /// Changes the traces of pages of guest memory and returns the runs whose clients are others now.
  mutating func apply(_ change: Change, to range: PageRange) -> [Run] {
    let (first, last) = (Int(range.first.rawValue), Int(range.last.rawValue))
    switch change {
    case .add(let client): return changeClients(first, last) { $0.union(client) }
    case .drop(let client): return changeClients(first, last) { $0.subtracting(client) }
    case .count(let client):
      counts[client.index - Self.firstCounted].change(first, last) { _, _, count in count == .max ? .max : count + 1 }
      return changeClients(first, last) { $0.union(client.set) }
    case .discount(let client):
      var ended: [(first: Int, last: Int)] = []
      // A count that has reached its limit is not known any more, and stays.
      counts[client.index - Self.firstCounted].change(first, last) { first, last, count in
        if count == 1 { ended.append((first, last)) }
        return count == 0 || count == .max ? count : count - 1
      }
      var runs: [Run] = []
      for pages in ended {
        Run.append(changeClients(pages.first, pages.last) { $0.subtracting(client.set) }, to: &runs)
      }
      return runs
    }
  }

  private mutating func changeClients(_ first: Int, _ last: Int, _ change: (ClientSet) -> ClientSet) -> [Run] {
    var runs: [Run] = []
    clients.change(first, last) { first, last, before in
      let after = change(before)
      if after != before {
        Run.append([Run(start: first, end: last + 1, before: before, after: after)], to: &runs)
      }
      return after
    }
    return runs
  }

  /// What is known of the pages of a range, to go back to.
  struct Saved {
    fileprivate var clients: PagewiseValues<ClientSet>.Saved
    fileprivate var counts: [PagewiseValues<UInt16>.Saved]
  }

  /// What is known of the pages of a range.
  func saved(_ range: PageRange) -> Saved {
    let (first, last) = (Int(range.first.rawValue), Int(range.last.rawValue))
    return Saved(clients: clients.saved(first, last), counts: counts.map { $0.saved(first, last) })
  }

  /// Goes back to what was known.
  mutating func restore(_ saved: Saved) {
    clients.restore(saved.clients)
    for (client, pages) in saved.counts.enumerated() { counts[client].restore(pages) }
  }

  /// The runs of pages with the same clients.
  func runs(in range: PageRange) -> [Run] {
    var runs: [Run] = []
    clients.forEachRun(Int(range.first.rawValue), Int(range.last.rawValue)) { first, last, clients in
      Run.append([Run(start: first, end: last + 1, before: clients, after: clients)], to: &runs)
    }
    return runs
  }

  /// The traces of runs of pages; nil if the runs do not ascend within the pages, or count for other clients.
  init?(pages: Int, clients counted: Int, runs: [TraceRun]) {
    guard counted <= ClientSet.RawValue.bitWidth - Self.firstCounted else { return nil }
    self.init(pages: pages)
    counts = (0..<counted).map { _ in PagewiseValues(0, pages: pages) }
    var end = 0
    for run in runs {
      guard run.range.last.rawValue < UInt64(pages), run.range.first.rawValue >= UInt64(end),
        run.counts.count == counted
      else { return nil }
      let (first, last) = (Int(run.range.first.rawValue), Int(run.range.last.rawValue))
      end = last + 1
      clients.change(first, last) { _, _, _ in run.clients }
      for client in 0..<counted { counts[client].change(first, last) { _, _, _ in run.counts[client] } }
    }
  }

  /// Whether nobody traces anything, and there are no more counted clients than these to do so.
  func isUntouched(clients: Int) -> Bool { counts.count == clients && count { !$0.isEmpty } == 0 }

  /// How many pages have clients like these.
  func count(_ matches: (ClientSet) -> Bool) -> Int {
    var count = 0
    clients.forEachRun(0, pageCount - 1) { first, last, clients in if matches(clients) { count += last + 1 - first } }
    return count
  }

  /// How many values are held page by page, where neighbours differ or once did.
  var heldValues: Int { clients.stored.count + counts.reduce(0) { $0 + $1.stored.count } }

  /// How many counted clients there are.
  var countedClients: Int { counts.count }

  /// The runs of pages that somebody traces, as long as they can be.
  var tracedRuns: [TraceRun] {
    var runs: [TraceRun] = []
    func append(_ first: Int, _ last: Int, _ clients: ClientSet, _ counts: [UInt16]) {
      let added = UInt64(last + 1 - first)
      if let before = runs.last, before.range.last.rawValue + 1 == UInt64(first), before.clients == clients,
        before.counts == counts, let longer = PageRange(first: before.range.first, count: before.range.count + added)
      {
        runs[runs.count - 1].range = longer
      } else if let range = PageRange(first: GuestPageNumber(UInt64(first)), count: added) {
        runs.append(TraceRun(range: range, guestIntegrity: clients.intersection(.guestIntegrity), counts: counts))
      }
    }
    clients.forEachRun(0, pageCount - 1) { first, last, clients in
      if clients.isEmpty { return }
      if counts.isEmpty { return append(first, last, clients, []) }
      for page in first...last { append(page, page, clients, counts.map { $0[page] }) }
    }
    return runs
  }

  /// A run of pages with the same clients before and after a change.
  struct Run: Hashable {
    var start: Int
    var end: Int
    var before: ClientSet
    var after: ClientSet

    var reversed: Self { Self(start: start, end: end, before: after, after: before) }

    /// Puts runs behind others, joined where they touch and are alike.
    static func append(_ more: [Run], to runs: inout [Run]) {
      for run in more {
        if let last = runs.last, last.end == run.start, last.before == run.before, last.after == run.after {
          runs[runs.count - 1].end = run.end
        } else {
          runs.append(run)
        }
      }
    }

    var range: PageRange {
      PageRange(first: GuestPageNumber(UInt64(start)), count: UInt64(end - start))
        ?? PageRange(page: GuestPageNumber(UInt64(start)))
    }
  }
}

/// A value for each page, in memory that follows what differs: 4096 neighbours share one word as long as they are alike.
private struct PagewiseValues<Value: Hashable & Sendable>: Hashable, Sendable {
  private static var shift: Int { 12 }
  private static var span: Int { 1 << shift }

  /// Where a span's values lie in `stored`; `none` where they are all its one of `common`.
  private var places: [UInt32]
  private var common: [Value]
  fileprivate private(set) var stored: [Value] = []
  private var free: [UInt32] = []
  private let pages: Int
  private static var none: UInt32 { .max }

  init(_ value: Value, pages: Int) {
    let spans = (pages + Self.span - 1) >> Self.shift
    places = [UInt32](repeating: Self.none, count: spans)
    common = [Value](repeating: value, count: spans)
    self.pages = pages
  }

  subscript(page: Int) -> Value {
    let place = places[page >> Self.shift]
    return place == Self.none
      ? common[page >> Self.shift] : stored[Int(place) << Self.shift | page & (Self.span - 1)]
  }

  /// Replaces the values of pages, run by run: `change` is told the first and last page of a run of equals, and their value.
  mutating func change(_ first: Int, _ last: Int, _ change: (_ first: Int, _ last: Int, Value) -> Value) {
    var page = first
    while page <= last {
      let span = page >> Self.shift
      let start = span << Self.shift
      let end = min(start + Self.span, pages) - 1
      if places[span] == Self.none {
        let upTo = min(end, last)
        let value = change(page, upTo, common[span])
        if value != common[span] {
          if page == start, upTo == end { common[span] = value } else { spread(span, page, upTo, value) }
        }
        page = upTo + 1
      } else {
        changeStored(span, page, min(end, last), change)
        page = min(end, last) + 1
        if page > end, first <= start { unite(span, start, end) }
      }
    }
  }

  private mutating func changeStored(
    _ span: Int, _ first: Int, _ last: Int, _ change: (_ first: Int, _ last: Int, Value) -> Value
  ) {
    let base = Int(places[span]) << Self.shift - span << Self.shift
    var page = first
    while page <= last {
      let value = stored[base + page]
      var end = page
      while end < last, stored[base + end + 1] == value { end += 1 }
      let new = change(page, end, value)
      if new != value { for index in page...end { stored[base + index] = new } }
      page = end + 1
    }
  }

  /// Gives a span values of its own, one of them for a part of it.
  private mutating func spread(_ span: Int, _ first: Int, _ last: Int, _ value: Value) {
    let place: UInt32
    if let old = free.popLast() {
      place = old
    } else {
      place = UInt32(stored.count >> Self.shift)
      stored.append(contentsOf: repeatElement(common[span], count: Self.span))
    }
    let base = Int(place) << Self.shift
    for index in 0..<Self.span {
      let page = span << Self.shift + index
      stored[base + index] = (first...last).contains(page) ? value : common[span]
    }
    places[span] = place
  }

  /// Gives up a span's own values if they are all alike.
  private mutating func unite(_ span: Int, _ start: Int, _ end: Int) {
    let base = Int(places[span]) << Self.shift
    let values = stored[base...base + (end - start)]
    guard let value = values.first, values.allSatisfy({ $0 == value }) else { return }
    common[span] = value
    free.append(places[span])
    places[span] = Self.none
  }

  /// Calls `body` with runs of equal values, ascending; neighbouring runs may be alike.
  func forEachRun(_ first: Int, _ last: Int, _ body: (_ first: Int, _ last: Int, Value) -> Void) {
    var page = first
    while page <= last {
      let span = page >> Self.shift
      let upTo = min(min((span + 1) << Self.shift, pages) - 1, last)
      if places[span] == Self.none {
        body(page, upTo, common[span])
        page = upTo + 1
        continue
      }
      while page <= upTo {
        let value = self[page]
        var end = page
        while end < upTo, self[end + 1] == value { end += 1 }
        body(page, end, value)
        page = end + 1
      }
    }
  }

  /// Runs of values, to go back to.
  struct Saved {
    fileprivate var runs: [(first: Int, last: Int, value: Value)] = []
  }

  func saved(_ first: Int, _ last: Int) -> Saved {
    var saved = Saved()
    forEachRun(first, last) { saved.runs.append(($0, $1, $2)) }
    return saved
  }

  mutating func restore(_ saved: Saved) {
    for run in saved.runs { change(run.first, run.last) { _, _, _ in run.value } }
  }

  // Where the values lie is of no account.
  static func == (one: Self, other: Self) -> Bool {
    one.pages == other.pages && (0..<one.pages).allSatisfy { one[$0] == other[$0] }
  }

  func hash(into hasher: inout Hasher) {
    hasher.combine(pages)
    for page in 0..<pages { hasher.combine(self[page]) }
  }
}
