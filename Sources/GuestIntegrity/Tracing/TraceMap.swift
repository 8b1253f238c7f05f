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
  private(set) var clients: [ClientSet]
  /// Traces by page, for each counted client.
  private var counts: [[UInt16]] = []
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

  init(pages: Int) { clients = [ClientSet](repeating: [], count: pages) }

  var pageCount: Int { clients.count }

  /// A new counted client; nil after six.
  mutating func addClient() -> TraceClient? {
    let index = Self.firstCounted + counts.count
    guard index < ClientSet.RawValue.bitWidth else { return nil }
    counts.append([UInt16](repeating: 0, count: clients.count))
    return TraceClient(index: index)
  }

  /// Changes the traces of pages of guest memory and returns the runs whose clients are others now.
  mutating func apply(_ change: Change, to range: PageRange) -> [Run] {
    var runs: [Run] = []
    for page in Int(range.first.rawValue)...Int(range.last.rawValue) {
      let before = clients[page]
      switch change {
      case .add(let client): clients[page].formUnion(client)
      case .drop(let client): clients[page].subtract(client)
      case .count(let client):
        let count = counts[client.index - Self.firstCounted][page]
        counts[client.index - Self.firstCounted][page] = count == .max ? .max : count + 1
        clients[page].formUnion(client.set)
      case .discount(let client):
        let count = counts[client.index - Self.firstCounted][page]
        // A count that has reached its limit is not known any more, and stays.
        guard count > 0, count != .max else { continue }
        counts[client.index - Self.firstCounted][page] = count - 1
        if count == 1 { clients[page].subtract(client.set) }
      }
      let after = clients[page]
      guard after != before else { continue }
      if let last = runs.last, last.end == page, last.before == before, last.after == after {
        runs[runs.count - 1].end = page + 1
      } else {
        runs.append(Run(start: page, end: page + 1, before: before, after: after))
      }
    }
    return runs
  }

  /// The runs of pages with the same clients.
  func runs(in range: PageRange) -> [Run] {
    var runs: [Run] = []
    for page in Int(range.first.rawValue)...Int(range.last.rawValue) {
      if let last = runs.last, last.after == clients[page] {
        runs[runs.count - 1].end = page + 1
      } else {
        runs.append(Run(start: page, end: page + 1, before: clients[page], after: clients[page]))
      }
    }
    return runs
  }

  /// The traces of runs of pages; nil if the runs do not ascend within the pages, or count for other clients.
  init?(pages: Int, clients counted: Int, runs: [TraceRun]) {
    guard counted <= ClientSet.RawValue.bitWidth - Self.firstCounted else { return nil }
    clients = [ClientSet](repeating: [], count: pages)
    counts = (0..<counted).map { _ in [UInt16](repeating: 0, count: pages) }
    var end = 0
    for run in runs {
      guard run.range.last.rawValue < UInt64(pages), run.range.first.rawValue >= UInt64(end),
        run.counts.count == counted
      else { return nil }
      end = Int(run.range.last.rawValue) + 1
      for page in Int(run.range.first.rawValue)..<end {
        clients[page] = run.clients
        for client in 0..<counted { counts[client][page] = run.counts[client] }
      }
    }
  }

  /// Whether nobody traces anything, and no counted client is there to do so.
  var isEmpty: Bool { counts.isEmpty && clients.allSatisfy(\.isEmpty) }

  /// How many counted clients there are.
  var countedClients: Int { counts.count }

  /// The runs of pages that somebody traces, as long as they can be.
  var tracedRuns: [TraceRun] {
    var runs: [TraceRun] = []
    for page in clients.indices where !clients[page].isEmpty {
      let counts = counts.map { $0[page] }
      if let last = runs.last, last.range.last.rawValue + 1 == UInt64(page), last.clients == clients[page],
        last.counts == counts, let longer = PageRange(first: last.range.first, count: last.range.count + 1)
      {
        runs[runs.count - 1].range = longer
      } else {
        runs.append(
          TraceRun(
            range: PageRange(page: GuestPageNumber(UInt64(page))),
            guestIntegrity: clients[page].intersection(.guestIntegrity), counts: counts))
      }
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
    var range: PageRange {
      PageRange(first: GuestPageNumber(UInt64(start)), count: UInt64(end - start))
        ?? PageRange(page: GuestPageNumber(UInt64(start)))
    }
  }
}
