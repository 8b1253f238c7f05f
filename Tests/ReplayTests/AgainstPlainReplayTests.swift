import Foundation
import GuestIntegrity
import SeededRandom
import Testing
import Recordings

@testable import Replay

@Suite("The replay, against one that skips nothing")
struct AgainstPlainReplayTests {
  /// Few and small sets, so that misses and evictions abound; one set of many ways; the sizes of a real processor.
  static let geometries = [
    CacheGeometry(
      l1StoreTLB: .init(entries: 8, ways: 2), stlb: .init(entries: 32, ways: 4), pdeCache: 2, pdpteCache: 1,
      pml4eCache: 1, walkLines: .init(l1: 4, l2: 16, l3: 64)),
    CacheGeometry(
      l1StoreTLB: .init(entries: 16, ways: 16), l1LoadTLB: .init(entries: 16, ways: 4),
      l1InstructionTLB: .init(entries: 8, ways: 2), stlb: .init(entries: 64, ways: 8), pdeCache: 32, pdpteCache: 4,
      pml4eCache: 0, walkLines: .init(l1: 16, l2: 64, l3: 0)),
    CacheGeometry(
      l1StoreTLB: .init(entries: 64, ways: 4), stlb: .init(entries: 1536, ways: 12), pdeCache: 32, pdpteCache: 4,
      pml4eCache: 4, walkLines: .init(l1: 64, l2: 1024, l3: 8192)),
  ]

  @Test(
    "counts the same events and notifies the same stores, whatever the driver does", arguments: 0..<24 as Range<UInt64>)
  func same(seed: UInt64) throws { try check(seed: seed, paging: nil) }

  @Test("and in two dimensions, whatever the guest's paging does", arguments: 100..<118 as Range<UInt64>)
  func sameInTwoDimensions(seed: UInt64) throws {
    let tables = RandomPaging.Tables.allCases[Int(seed / 3) % 3]
    let isDefective = seed % 2 == 0
    let updates = try check(seed: seed, paging: RandomPaging(tables, isDefective: isDefective))
    // Tables at recorded places are protected now and then, so that the walker's stores to them are seen.
    if tables == .known { #expect(updates > 0, "seed \(seed)") }
  }

  @Test("with loads and fetches among the stores", arguments: 300..<324 as Range<UInt64>)
  func sameWithAccesses(seed: UInt64) throws { try check(seed: seed, paging: nil, accesses: true) }

  @Test("with loads, fetches and changes of control registers in two dimensions", arguments: 400..<418 as Range<UInt64>)
  func sameWithAccessesInTwoDimensions(seed: UInt64) throws {
    let tables = RandomPaging.Tables.allCases[Int(seed / 3) % 3]
    try check(seed: seed, paging: RandomPaging(tables, isDefective: seed % 2 == 0), accesses: true)
  }

  /// How many of the walker's stores were notified, under all strategies.
  @discardableResult
  private func check(seed: UInt64, paging: RandomPaging?, accesses: Bool = false) throws -> Int {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("gi-plain-\(seed)-\(getpid()).trace").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    try RandomDriverTrace.write(to: path, seed: seed, paging: paging, accesses: accesses)
    let dimensions: Dimensions = paging == nil ? .one : .two
    var profile = try #require(try ProfileLibrary.profile(named: "icelake-sp"))
    profile.geometry = Self.geometries[Int(seed) % Self.geometries.count]
    let result = try replay(
      ReplayRequest(
        tracePath: path, strategies: Strategy.all, profile: profile, dimensions: dimensions,
        countersOnly: true))
    let reader = try RecordingReader(path: path)
    var updates = 0
    for (strategy, found) in zip(Strategy.all, result.strategies) {
      let plain = try PlainReplay(strategy, reader, geometry: profile.geometry, dimensions: dimensions)
      for event in Event.allCases {
        #expect(
          found.counts[event.name, default: 0] == plain.counts[event, default: 0],
          "seed \(seed), \(strategy.name): \(event.name)")
      }
      let owedUpdates = plain.updates.reduce(into: StoreSet()) { set, update in
        var spread = SplitMix64(seed: update.store)
        set.insert(spread.next() &+ update.entry)
      }
      #expect(
        found.notifications.walkerUpdates?.setDigest == (paging == nil ? nil : owedUpdates.text),
        "seed \(seed), \(strategy.name)")
      updates += plain.updates.count
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
    // What a recording leaves out each strategy meets where its own translations have been lost.
    // Foreign code that is fetched in a window ends it only where the integrity set refuses that.
    guard paging?.isDefective != true, !accesses else { return updates }
    #expect(result.crosscheck.agree, "seed \(seed): \(result.crosscheck.differences)")
    return updates
  }
}
