import Addresses
import GuestIntegrity
import Histogram
import MonitorTree
import Recordings
import SeededRandom

/// What a replay keeps of its notifications: enough to price and compare them, of constant memory.
struct NotificationTally {
  /// Nothing yet; stores are named by these symbols, if they are to be.
  init(symbols: SymbolTable? = nil) { targets = symbols.map(StoreTargets.init) }

  /// How many notifications had which shape.
  private(set) var shapes = ShapeCounts()
  /// The same of refused stores that raised no alert.
  private(set) var silentShapes = ShapeCounts()
  /// Notifications by the region that they are about, and shape; the pages of guest integrity itself are of none.
  private(set) var byRegion: [RegionID: ShapeCounts] = [:]
  private(set) var byKind = [UInt64](repeating: 0, count: PageKind.allCases.count)
  private(set) var falseShare: UInt64 = 0
  /// Notifications by page; no more pages than are monitored.
  private(set) var byPage: [GuestPageNumber: UInt64] = [:]
  /// Notifications by what the store touches; nil where nobody asked for names.
  private(set) var targets: StoreTargets?
  /// What alert actions would have done to a guest that is not a recording.
  var wouldHave = WouldHaveTally()
  /// The stores notified.
  private(set) var all = StoreSet()
  /// Those of them that sub-page permissions owe too.
  private(set) var owedBySubPages = StoreSet()
  /// The walker's own stores notified, each by the entry stored to and the store it translated for.
  private(set) var updates = StoreSet()
  /// Guest instructions from a store to its notification, for stores noticed late; three significant digits.
  private(set) var late: Histogram<UInt64>?

  var count: UInt64 { all.count }

  /// One notification of a store, by its number, of so many bytes to an address; `touched` says what of it is protected.
  mutating func add(
    _ shape: NotificationShape, kind: PageKind, store: UInt64, at address: GuestPhysicalAddress, bytes: Int,
    touched: Touched
  ) {
    byPage[address.page, default: 0] += 1
    targets?.add(address, bytes: bytes)
    shapes.add(shape)
    byKind[Int(kind.rawValue)] += 1
    all.insert(store)
    if kind == .protected, touched != .bytes { falseShare += 1 }
    if kind != .protected || touched != .page { owedBySubPages.insert(store) }
  }

  /// The same notification was about this region; about none where the page is one of guest integrity's own.
  mutating func charge(_ shape: NotificationShape, to region: RegionID?) {
    if let region { byRegion[region, default: ShapeCounts()].add(shape) }
  }

  /// One refused store that raised no alert.
  mutating func addSilent(_ shape: NotificationShape) { silentShapes.add(shape) }

  /// One notification of the walker's own store to a guest entry, on behalf of a store.
  mutating func addUpdate(_ shape: NotificationShape, at entry: GuestPhysicalAddress, by store: UInt64) {
    shapes.add(shape)
    var spread = SplitMix64(seed: store)
    updates.insert(spread.next() &+ entry.rawValue)
  }

  /// The same notification came this many guest instructions after its store.
  mutating func addLateness(_ instructions: UInt64) {
    if late == nil { late = Histogram(highestTrackableValue: 1 << 48, numberOfSignificantValueDigits: .three) }
    late?.record(min(instructions, 1 << 48))
  }

  func count(of kind: PageKind) -> UInt64 { byKind[Int(kind.rawValue)] }

  /// What a notified store touched of what is protected, the finest that holds.
  enum Touched {
    /// A protected byte.
    case bytes
    /// A sub-page of 128 bytes that holds one, or two pages at once, for which sub-page permissions are not asked.
    case subPage
    /// Only a page that holds one.
    case page
  }
}

/// A set of stores by their numbers in the recording, as far as it takes to compare it with another: how many, and an
/// order-independent digest, the sum of a mix of their numbers.
struct StoreSet: Equatable {
  private(set) var count: UInt64 = 0
  private(set) var digest: UInt64 = 0

  mutating func insert(_ store: UInt64) {
    count += 1
    var spread = SplitMix64(seed: store)
    digest &+= spread.next()
  }

  /// As results spell it.
  var text: String { "\(count)-" + String(digest, radix: 16) }
}

extension NotificationTally.Touched {
  /// As listings spell it.
  var name: String {
    switch self {
    case .bytes: "bytes"
    case .subPage: "sub-page"
    case .page: "page"
    }
  }
}
