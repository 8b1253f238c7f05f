import Foundation
import Testing

@testable import Replay

@Suite("Host time of notifications in place")
struct InPlaceTimingTests {
  @Test("leaves every count, set and cycle of a replay as it is without")
  func countsStay() throws {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("gi-in-place-\(UUID()).trace").path
    defer { unlink(path) }
    try RandomDriverTrace.write(to: path, seed: 17)
    let profile = try #require(try ProfileLibrary.profile(named: "icelake-sp"))
    var request = ReplayRequest(
      tracePath: path, strategies: Strategy.all, profile: profile, dimensions: .one, countersOnly: true)
    let counted = try replay(request)
    request.countersOnly = false
    let timed = try replay(request)
    for (mine, theirs) in zip(counted.strategies, timed.strategies) {
      var bare = theirs
      bare.host = nil
      #expect(bare == mine, "\(mine.name)")
      let inPlace = theirs.host?.inPlaceNanoseconds
      #expect((inPlace != nil) == (mine.notifications.raisedCycles != nil), "\(mine.name)")
      guard let inPlace else { continue }
      #expect(0 < inPlace.raised.p50 && inPlace.raised.p50 <= inPlace.raised.max)
      if let delivered = inPlace.delivered { #expect(delivered.p50 > inPlace.timer) }
    }
    let named = timed.distributions.filter { $0.strategy == "eptp-exit" }
    #expect(named.map(\.end).first == "raised" && counted.distributions.isEmpty)
    // Every notification is in the distribution: the last line before the comments tells how many.
    let count = try #require(
      named.first?.text.split(separator: "\n").last { !$0.hasPrefix("#") }?.split(separator: " ")[2])
    let expected = counted.strategies.first { $0.name == "eptp-exit" }?.notifications.count
    #expect(UInt64(count) == expected)
  }
}
