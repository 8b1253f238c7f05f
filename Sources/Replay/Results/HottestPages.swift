import Addresses
import Recordings

/// The pages that most notifications were about, and what lies on them.
public struct HottestPages: Codable, Equatable, Sendable {
  /// The strategy whose notifications are counted: the first sound one that has every write refused, or else the first.
  public var strategy: String
  /// The pages, most notifications first; at most ten.
  public var pages: [Page]

  /// One page.
  public struct Page: Codable, Equatable, Sendable {
    /// Guest page number.
    public var page: UInt64
    /// Notifications of stores that begin on it.
    public var notifications: UInt64
    /// Names of the regions on it: the policy's, or else the recording's.
    public var regions: [String]
    /// Names of the kernel symbols that most of those stores touch, at most three.
    public var symbols: [String]
    /// Those symbols with stores and offsets; absent in results of earlier versions.
    public var targets: [StoreTarget]?
  }
}

extension HottestPages {
  /// The hottest pages of a run, named by what is protected and by the recording's symbols; nil where nothing was notified.
  init?(
    _ strategies: [Strategy], _ tallies: [NotificationTally], regions named: [(name: String, bytes: [Range<UInt64>])],
    truePages: TruePages? = nil
  ) {
    guard let chosen = strategies.reference, !tallies[chosen].byPage.isEmpty else { return nil }
    strategy = strategies[chosen].name
    let targets = tallies[chosen].targets?.byPage(most: 3) ?? [:]
    let hottest = tallies[chosen].byPage.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.prefix(10)
    pages = hottest.map { page, notifications in
      func lies(_ start: UInt64, _ bytes: UInt64) -> Bool {
        start >> 12 <= page.rawValue && page.rawValue <= (start &+ max(bytes, 1) &- 1) >> 12
      }
      var seen: Set<String> = []
      let regions = named.filter { region in
        region.bytes.contains { lies($0.lowerBound, $0.upperBound - $0.lowerBound) }
          && seen.insert(region.name).inserted
      }
      let targets = targets[page] ?? []
      return Page(
        page: truePages?[page.rawValue] ?? page.rawValue, notifications: notifications,
        regions: regions.map(\.name),
        symbols: targets.compactMap(\.symbol),
        targets: targets)
    }
  }
}
