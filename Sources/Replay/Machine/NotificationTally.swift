import GuestIntegrity
import SeededRandom

/// What a replay keeps of its notifications: enough to price and compare them, of constant memory.
struct NotificationTally {
  /// How many notifications had which shape.
  private(set) var shapes: [NotificationShape: UInt64] = [:]
  private(set) var byKind = [UInt64](repeating: 0, count: PageKind.allCases.count)
  private(set) var falseShare: UInt64 = 0
  /// Order-independent digest of the stores notified: the sum of a mix of their numbers.
  private(set) var setDigest: UInt64 = 0
  private(set) var count: UInt64 = 0

  mutating func add(_ shape: NotificationShape, kind: PageKind, storeNumber: UInt64, touchesRegion: Bool) {
    count += 1
    shapes[shape, default: 0] += 1
    byKind[Int(kind.rawValue)] += 1
    if kind == .protected, !touchesRegion { falseShare += 1 }
    setDigest &+= Self.mix(storeNumber)
  }

  func count(of kind: PageKind) -> UInt64 { byKind[Int(kind.rawValue)] }

  /// A store's number spread over 64 bits, so that sums of different sets differ.
  static func mix(_ number: UInt64) -> UInt64 {
    var spread = SplitMix64(seed: number)
    return spread.next()
  }
}
