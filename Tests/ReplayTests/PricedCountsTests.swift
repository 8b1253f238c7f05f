import Foundation
import GuestIntegrity
import Recordings
import Testing

@testable import Replay

@Suite("Every count is priced once")
struct PricedCountsTests {
  /// Events that only a refused or a logged store makes: all of them belong to notifications, or to refusals without alert.
  static let ofStores: [Event] = [
    .virtualizationExceptions, .emulatedStores, .singleSteps, .alerts, .pmlEntries, .pmlDrains,
    .outsideAnswers, .countActions, .logActions, .notifyActions, .blockActions, .injectActions, .isolateActions,
  ]

  private func outcomes(seed: UInt64, paging: RandomPaging?) throws -> [(Strategy, Recording.Outcome)] {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("gi-priced-\(seed)-\(getpid()).trace").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    try RandomDriverTrace.write(to: path, seed: seed, paging: paging)
    let request = ReplayRequest(
      tracePath: path, strategies: Strategy.all, profile: try #require(try ProfileLibrary.profile(named: "icelake-sp")),
      dimensions: paging == nil ? .one : .two, countersOnly: true)
    let recording = try Recording(path: path)
    let found = try recording.replay(Strategy.all, under: recording.protection(by: nil, armedBy: nil), request: request)
    return Array(zip(Strategy.all, found))
  }

  @Test(
    "what refused stores add to the counts, stage by stage, is all that was counted of them",
    arguments: 300..<316 as Range<UInt64>)
  func sums(seed: UInt64) throws {
    for (strategy, outcome) in try outcomes(
      seed: seed, paging: seed % 2 == 0 ? nil : RandomPaging(.known, isDefective: false))
    {
      var sum = outcome.ownStores
      for shapes in [outcome.tally.shapes, outcome.tally.silentShapes] {
        for (shape, count) in shapes {
          for event in Event.allCases { sum[event] += shape.events[event] * count }
        }
      }
      for event in Self.ofStores {
        #expect(sum[event] == outcome.counts[event], "seed \(seed), \(strategy.name): \(event.name)")
      }
      // Foreign code that is fetched in integrity mode exits, too; GI_QUERY asks the tree, too; modes switch, too.
      let fetches = strategy.mechanism.switching.usesTwoSets ? outcome.integrityFaults : 0
      #expect(sum[.violationExits] + fetches == outcome.counts[.violationExits], "seed \(seed), \(strategy.name)")
      for event in [Event.treeNodesVisited, .eptpWrites, .vmfuncSwitches] {
        #expect(sum[event] <= outcome.counts[event], "seed \(seed), \(strategy.name): \(event.name)")
      }
      // The driver's tree is written through a set that refuses it, so each store is owed an exit.
      if strategy.name == "filter" {
        #expect(outcome.ownStores[.violationExits] == outcome.counts[.treeStores], "seed \(seed)")
        #expect(outcome.counts[.treeStores] >= RandomDriverTrace.nodes.count * 512)
      }
    }
  }

  @Test("the parts of an overhead add up to it, and notifications to the guest's stall")
  func parts() throws {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("gi-parts-\(getpid()).trace").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    try RandomDriverTrace.write(to: path, seed: 321)
    let profile = try #require(try ProfileLibrary.profile(named: "icelake-sp"))
    let result = try replay(
      ReplayRequest(tracePath: path, strategies: Strategy.all, profile: profile, countersOnly: true))
    for strategy in result.strategies {
      let parts = try #require(strategy.overheadParts)
      let sum = parts.notifications.value + parts.refusedSilently.value + parts.other.value
      #expect(abs(sum - strategy.overheadCycles.value) <= 1e-9 * abs(sum), "\(strategy.name)")
      #expect(parts.notifications == strategy.guestStallCycles, "\(strategy.name)")
    }
  }

  @Test("an event without a price says why", arguments: Event.allCases)
  func unpriced(event: Event) {
    #expect((PriceList.price(of: event) == LinearForm()) == (event.unpricedBecause != nil), "\(event.name)")
  }
}
