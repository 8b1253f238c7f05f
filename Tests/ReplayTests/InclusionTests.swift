import Foundation
import Recordings
import Testing

@testable import Replay

/// The oracle of the finite caches: whatever they hold, caches hold that lose only what the architecture demands
/// (`Policies.Cache.maximal`), after the same accesses and instructions. ``AgainstPlainReplayTests`` holds the replay's caches
/// against the plain ones that are watched here.
@Suite("A finite cache holds nothing that a maximal one has lost")
struct InclusionTests {
  @Test(
    "over random drivers, under every strategy", arguments: 400..<412 as Range<UInt64>, [Dimensions.one, .two])
  func random(seed: UInt64, dimensions: Dimensions) throws {
    let name = "gi-in-\(seed)-\(dimensions)-\(getpid()).trace"
    let path = FileManager.default.temporaryDirectory.appendingPathComponent(name).path
    defer { try? FileManager.default.removeItem(atPath: path) }
    let tables = RandomPaging.Tables.allCases[Int(seed / 2) % 3]
    let paging = RandomPaging(tables, isDefective: seed % 2 == 0)
    try RandomDriverTrace.write(to: path, seed: seed, paging: dimensions == .one ? nil : paging)
    let reader = try RecordingReader(path: path)
    for strategy in Strategy.all {
      let geometry = AgainstPlainReplayTests.geometries[Int(seed) % AgainstPlainReplayTests.geometries.count]
      let plain = try PlainReplay(strategy, reader, geometry: geometry, dimensions: dimensions, watchesInclusion: true)
      #expect(plain.excluded == [], "seed \(seed), \(strategy.name)")
      #expect(plain.included > 500, "seed \(seed), \(strategy.name): too few hits to say anything")
    }
  }

  @Test("over a part of a recorded boot, where permissions change under it", arguments: [Strategy.toggle, .pml])
  func recorded(strategy: Strategy) throws {
    let path = RecordedBoot.path.replacingOccurrences(of: "boot.trace", with: "quick.trace")
    let profile = try #require(try ProfileLibrary.profile(named: ProfileLibrary.defaultName))
    let plain = try PlainReplay(
      strategy, RecordingReader(path: path), geometry: profile.geometry, dimensions: .one, watchesInclusion: true)
    #expect(plain.excluded == [] && plain.included > 1_000_000)
  }

  @Test("and over the first million accesses of it in two dimensions", arguments: [Strategy.toggle, .ve])
  func recordedInTwoDimensions(strategy: Strategy) throws {
    let path = RecordedBoot.path.replacingOccurrences(of: "boot.trace", with: "quick.trace")
    let profile = try #require(try ProfileLibrary.profile(named: ProfileLibrary.defaultName))
    let plain = try PlainReplay(
      strategy, RecordingReader(path: path), geometry: profile.geometry, dimensions: .two, watchesInclusion: true,
      upTo: 1_000_000)
    #expect(plain.excluded == [] && plain.included > 900_000)
  }
}
