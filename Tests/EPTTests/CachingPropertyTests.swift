import Foundation
import SeededRandom
import Testing

@testable import EPT

/// The seed of this run: from the environment if a failure is to be repeated, else a new one.
private let runSeed: UInt64 =
  ProcessInfo.processInfo.environment["EPT_SEED"].flatMap { UInt64($0) } ?? UInt64.random(in: 0..<(1 << 32))

@Suite("Caching policies, against a processor without caches")
struct CachingPropertyTests {
  static let scenarios = 1200
  static let policies: [Policies.Cache] = [.maximal, .random(seed: 1)]
  static let modes = PagingMode.allCases

  /// What a run has come to.
  private struct Tally {
    var accesses = 0
    var changes = 0
    var retries = 0
  }

  /// Runs scenarios of one kind, each from a seed of its own.
  private func run(
    _ name: String, _ mode: PagingMode, cache: Policies.Cache, narrow: Bool = false, retrying: Bool,
    _ step: (inout CachingWorld, inout Tally) -> Void
  ) -> Tally {
    var tally = Tally()
    var complaints = 0
    for number in 0..<UInt64(Self.scenarios) where complaints < 3 {
      let seed = runSeed &+ number
      var world = CachingWorld(seed: seed, mode: mode, cache: cache, narrow: narrow)
      for round in 0..<40 {
        let (complaint, retries) =
          world.random.oneIn(30)
          ? world.visit(retrying: retrying) : world.twins.access(world.target(), retrying: retrying)
        tally.accesses += 1
        tally.retries += retries
        if let complaint {
          Issue.record("EPT_SEED=\(seed), \(name), mode \(mode), \(cache), round \(round): \(complaint)")
          complaints += 1
          break
        }
        step(&world, &tally)
      }
    }
    print("\(name), mode \(mode), \(cache), EPT_SEED=\(runSeed): \(tally)")
    return tally
  }

  @Test("with INVEPT of all contexts after each change, every access is as without caches", arguments: modes, policies)
  func invalidatingAll(mode: PagingMode, cache: Policies.Cache) {
    let tally = run("INVEPT after each change", mode, cache: cache, retrying: false) { world, tally in
      if world.random.oneIn(2) { world.event(withoutEPT: false) }
      guard world.random.oneIn(3) else { return }
      tally.changes += 1
      if world.random.oneIn(8) {
        _ = world.changeSubPages(onlyAdding: false)
      } else {
        _ = world.change(onlyAdding: false)
      }
      world.twins.both { _ = $0.invept(type: 2, eptp: EPTPointer(0)) }
    }
    #expect(tally.changes > Self.scenarios)
  }

  @Test(
    "with exactly the invalidations that the manual demands, every access is, at the latest when retried",
    arguments: modes, policies)
  func invalidatingWhatIsOwed(mode: PagingMode, cache: Policies.Cache) {
    let tally = run("invalidations owed", mode, cache: cache, retrying: true) { world, tally in
      if world.random.oneIn(3) { world.event(withoutEPT: true) }
      if world.random.oneIn(20) { world.toggleFlags() }
      guard world.random.oneIn(3) else { return }
      tally.changes += 1
      if world.random.oneIn(8) {
        if world.changeSubPages(onlyAdding: false) { world.invept([0, 1]) }
      } else if let change = world.change(onlyAdding: false) {
        world.settle(change)
      }
    }
    #expect(tally.changes > Self.scenarios && tally.retries > 0)
  }

  @Test(
    "where rights are only added, and nothing is invalidated, no access is refused twice for the same reason",
    arguments: modes, policies)
  func onlyAdding(mode: PagingMode, cache: Policies.Cache) {
    let tally = run("rights added", mode, cache: cache, narrow: true, retrying: true) { world, tally in
      if world.random.oneIn(4) { world.event(withoutEPT: true) }
      for _ in 0..<3 where world.random.oneIn(2) {
        tally.changes += 1
        if world.random.oneIn(8) {
          _ = world.changeSubPages(onlyAdding: true)
        } else {
          _ = world.change(onlyAdding: true)
        }
      }
    }
    #expect(tally.changes > Self.scenarios && tally.retries > 60)
  }
}
