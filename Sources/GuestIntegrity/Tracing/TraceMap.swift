import Addresses

/// Which clients trace which page, and how often: bookkeeping only, no table is touched here.
struct TraceMap: Hashable, Sendable {
  private(set) var clients: [ClientSet]
  /// Traces by page, for each counted client.
  private var counts: [[UInt16]] = []
  private static let firstCounted = 2

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
