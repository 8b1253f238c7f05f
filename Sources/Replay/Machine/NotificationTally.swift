import Addresses
import GuestIntegrity

/// What a replay keeps of its notifications: enough to price and compare them, of constant memory.
struct NotificationTally {
  /// How many notifications had which shape.
  private(set) var shapes: [NotificationShape: UInt64] = [:]
  private(set) var byKind = [UInt64](repeating: 0, count: PageKind.allCases.count)
  private(set) var falseShare: UInt64 = 0
  /// Notifications by page of the store's first byte.
  private(set) var byPage: [UInt32: UInt64] = [:]
  /// Order-independent digest of the stores notified: the sum of a mix of their numbers.
  private(set) var setDigest: UInt64 = 0
  private(set) var count: UInt64 = 0

  mutating func add(_ shape: NotificationShape, kind: PageKind, page: UInt32, storeNumber: UInt64, touchesRegion: Bool)
  {
    count += 1
    shapes[shape, default: 0] += 1
    byKind[Int(kind.rawValue)] += 1
    if kind == .protected, !touchesRegion { falseShare += 1 }
    byPage[page, default: 0] += 1
    setDigest &+= Self.mix(storeNumber)
  }

  func count(of kind: PageKind) -> UInt64 { byKind[Int(kind.rawValue)] }

  /// SplitMix64's finaliser: a store's number spread over 64 bits, so that sums of different sets differ.
  static func mix(_ number: UInt64) -> UInt64 {
    var z = number &+ 0x9e37_79b9_7f4a_7c15
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
}
