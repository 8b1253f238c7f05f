import Foundation
import Recordings
import Testing

@testable import Replay

@Suite("What the filter leaves out")
struct RunFilterTests {
  private func outcomes(_ path: String, seed: UInt64, _ dimensions: Dimensions, isUnfiltered: Bool) throws -> [Recording
    .Outcome]
  {
    var profile = try #require(try ProfileLibrary.profile(named: "icelake-sp"))
    profile.geometry = AgainstPlainReplayTests.geometries[Int(seed) % AgainstPlainReplayTests.geometries.count]
    var request = ReplayRequest(
      tracePath: path, strategies: Strategy.all, profile: profile, dimensions: dimensions, countersOnly: true)
    request.isUnfiltered = isUnfiltered
    let recording = try Recording(path: path)
    let strategies: [Strategy?] = [nil] + Strategy.all
    return try recording.replay(strategies, under: recording.protection(by: nil, armedBy: nil), request: request)
  }

  private func check(_ path: String, seed: UInt64, _ dimensions: Dimensions) throws {
    let all = try outcomes(path, seed: seed, dimensions, isUnfiltered: true)
    let filtered = try outcomes(path, seed: seed, dimensions, isUnfiltered: false)
    for (index, name) in (["unmonitored"] + Strategy.all.map(\.name)).enumerated() {
      for event in Event.allCases {
        #expect(
          filtered[index].counts[event] == all[index].counts[event],
          "seed \(seed), \(name), \(dimensions): \(event.name)")
      }
      #expect(filtered[index].tally.shapes == all[index].tally.shapes, "seed \(seed), \(name), \(dimensions)")
      #expect(
        filtered[index].tally.silentShapes == all[index].tally.silentShapes, "seed \(seed), \(name), \(dimensions)")
    }
  }

  @Test(
    "changes no count and no notification: the processors asked for every access say the same, the guest unmonitored too",
    arguments: 800..<824 as Range<UInt64>)
  func same(seed: UInt64) throws {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("gi-filter-\(seed)-\(getpid()).trace").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    let tables = RandomPaging.Tables.allCases[Int(seed) % 3]
    let isTwo = seed % 2 == 0
    try RandomDriverTrace.write(
      to: path, seed: seed, paging: isTwo ? RandomPaging(tables, isDefective: seed % 4 == 0) : nil)
    try check(path, seed: seed, isTwo ? .two : .one)
  }

  @Test("and where loads and fetches stand among the stores", arguments: 900..<924 as Range<UInt64>)
  func sameWithAccesses(seed: UInt64) throws {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("gi-filter-\(seed)-\(getpid()).trace").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    let tables = RandomPaging.Tables.allCases[Int(seed) % 3]
    let isTwo = seed % 2 == 0
    try RandomDriverTrace.write(
      to: path, seed: seed, paging: isTwo ? RandomPaging(tables, isDefective: seed % 4 == 0) : nil, accesses: true)
    try check(path, seed: seed, isTwo ? .two : .one)
  }

  @Test("nor over a part of a recorded boot", arguments: Dimensions.allCases)
  func recorded(dimensions: Dimensions) throws {
    try check(RecordedBoot.path.replacingOccurrences(of: "boot.trace", with: "quick.trace"), seed: 2, dimensions)
  }
}
