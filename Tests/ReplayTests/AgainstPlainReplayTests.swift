import Foundation
import GuestIntegrity
import Testing
import WriteTrace

@testable import Replay

@Suite("The replay, against one that skips nothing")
struct AgainstPlainReplayTests {
  /// Few and small sets, so that misses and evictions abound; one set of many ways; the sizes of a real processor.
  static let geometries = [
    CacheGeometry(
      l1StoreTLB: .init(entries: 8, ways: 2), stlb: .init(entries: 32, ways: 4), pdeCache: 2, pdpteCache: 1,
      pml4eCache: 1, walkLines: .init(l1: 4, l2: 16, l3: 64)),
    CacheGeometry(
      l1StoreTLB: .init(entries: 16, ways: 16), stlb: .init(entries: 64, ways: 8), pdeCache: 32, pdpteCache: 4,
      pml4eCache: 0, walkLines: .init(l1: 16, l2: 64, l3: 0)),
    CacheGeometry(
      l1StoreTLB: .init(entries: 64, ways: 4), stlb: .init(entries: 1536, ways: 12), pdeCache: 32, pdpteCache: 4,
      pml4eCache: 4, walkLines: .init(l1: 64, l2: 1024, l3: 8192)),
  ]

  @Test(
    "counts the same events and notifies the same stores, whatever the driver does", arguments: 0..<24 as Range<UInt64>)
  func same(seed: UInt64) throws {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("gi-plain-\(seed)-\(getpid()).trace").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    try RandomDriverTrace.write(to: path, seed: seed)
    var profile = try #require(try ProfileLibrary.profile(named: "icelake-sp"))
    profile.geometry = Self.geometries[Int(seed) % Self.geometries.count]
    let result = try replay(
      ReplayRequest(tracePath: path, strategies: Strategy.all, profile: profile, countersOnly: true))
    let reader = try TraceReader(path: path)
    for (strategy, found) in zip(Strategy.all, result.strategies) {
      let plain = try PlainReplay(strategy, reader, geometry: profile.geometry)
      for event in Event.allCases {
        #expect(
          found.counts[event.name, default: 0] == plain.counts[event, default: 0],
          "seed \(seed), \(strategy.name): \(event.name)")
      }
      let owed = plain.notified.reduce(into: StoreSet()) { $0.insert($1) }
      #expect(found.notifications.setDigest == owed.text, "seed \(seed), \(strategy.name)")
      #expect(found.notifications.falseShare == plain.falseShare, "seed \(seed), \(strategy.name)")
      let kinds = found.notifications.byKind
      #expect(
        [kinds.protected, kinds.tree, kinds.giCode, kinds.giData]
          == [.protected, .tree, .giCode, .giData].map { plain.kinds[$0, default: 0] }, "seed \(seed), \(strategy.name)"
      )
      let latest = plain.lateness.max()
      #expect(found.notifications.late.map { $0.max >> 8 } == latest.map { $0 >> 8 }, "seed \(seed), \(strategy.name)")
    }
    #expect(result.crosscheck.agree, "seed \(seed): \(result.crosscheck.differences)")
  }
}
