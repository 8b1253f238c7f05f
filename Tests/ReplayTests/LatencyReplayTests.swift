import Foundation
import GuestIntegrity
import Testing

@testable import Replay

@Suite("Latency of a replay")
struct LatencyReplayTests {
  private let profile: CycleProfile
  private let path: String

  init() throws {
    profile = try #require(try ProfileLibrary.profile(named: "icelake-sp"))
    path = FileManager.default.temporaryDirectory.appendingPathComponent("gi-latency-\(UUID()).trace").path
    try RandomDriverTrace.write(to: path, seed: 11)
  }

  private func result(_ setting: LatencySetting, _ strategies: [Strategy] = Strategy.all) throws -> RunResult {
    var request = ReplayRequest(tracePath: path, strategies: strategies, profile: profile, countersOnly: true)
    request.latency = setting
    return try replay(request)
  }

  private func vmi(ring: Int, _ full: Consumer.WhenFull) -> LatencySetting {
    let time = Bracket(low: 22_000, value: 22_000, high: 22_000)
    return LatencySetting(consumer: Consumer(name: "vmi", slots: ring, service: .constant(time), whenFull: full))
  }

  private func wake(seed: UInt64) throws -> LatencySetting {
    LatencySetting(consumer: try Consumer("wake", among: profile.consumers), seed: seed)
  }

  private func percentiles(_ latency: LatencyPercentiles) -> [Bracket] {
    [latency.p50, latency.p90, latency.p99, latency.p999, latency.max]
  }

  @Test("has two ends and a stall, each in a bracket; what is noticed late has neither end")
  func ends() throws {
    defer { unlink(path) }
    for strategy in try result(LatencySetting(consumer: .poll)).strategies {
      let notifications = strategy.notifications
      let stall = try #require(notifications.stallCycles, "\(strategy.name)")
      guard strategy.name != "pml" else {
        #expect(notifications.raisedCycles == nil && notifications.deliveredCycles == nil)
        #expect(notifications.consumer == nil && notifications.late != nil)
        continue
      }
      #expect((notifications.late != nil) == (strategy.name == "hybrid"))
      // Nothing was written often enough to be promoted.
      if strategy.name == "hybrid", notifications.raisedCycles == nil { continue }
      let raised = try #require(notifications.raisedCycles)
      let delivered = try #require(notifications.deliveredCycles)
      for latency in [raised, delivered, stall] {
        #expect(percentiles(latency).allSatisfy { 0 < $0.low && $0.low <= $0.value && $0.value <= $0.high })
        #expect(percentiles(latency).map(\.value) == percentiles(latency).map(\.value).sorted())
      }
      for (earlier, later) in zip(percentiles(raised), percentiles(delivered)) {
        #expect(earlier.low < later.low && earlier.value < later.value && earlier.high < later.high)
      }
      // Stores that are logged hardly stall.
      if strategy.name != "hybrid" {
        #expect(zip(percentiles(raised), percentiles(stall)).allSatisfy { $0.value < $1.value })
      }
      #expect((notifications.leavingGuestCycles != nil) == (strategy.name == "ve"))
    }
  }

  @Test("changes with consumer, pace and seed, and no count, set or overhead does")
  func countsStay() throws {
    defer { unlink(path) }
    let usual = try result(LatencySetting(consumer: .poll))
    let pace = try #require(GuestPace(Bracket(low: 3, value: 3, high: 3)))
    let others = [
      vmi(ring: 1, .lose), vmi(ring: 1, .park), LatencySetting(consumer: .poll, pace: pace), try wake(seed: 9),
    ]
    for setting in others {
      let other = try result(setting)
      #expect(other != usual)
      for (mine, theirs) in zip(usual.strategies, other.strategies) {
        #expect(mine.counts == theirs.counts && mine.overheadCycles == theirs.overheadCycles, "\(mine.name)")
        #expect(mine.notifications.setDigest == theirs.notifications.setDigest)
      }
    }
    #expect(try result(wake(seed: 9)) == result(wake(seed: 9)))
  }

  @Test("a full ring loses alerts and keeps nobody, or keeps vCPUs and loses none")
  func fullRings() throws {
    defer { unlink(path) }
    let atOnce = try Consumer("service=0,ring=1", among: profile.consumers)
    let free = try result(LatencySetting(consumer: atOnce), [.eptpExit]).strategies[0].notifications
    let losing = try result(vmi(ring: 1, .lose), [.eptpExit]).strategies[0].notifications
    let parking = try result(vmi(ring: 1, .park), [.eptpExit]).strategies[0].notifications
    #expect(losing.consumer?.lost.value ?? 0 > 0 && losing.consumer?.parkedCycles.high == 0)
    #expect(losing.consumer?.lost.high ?? 0 < Double(losing.count))
    #expect(losing.stallCycles == free.stallCycles)
    #expect(parking.consumer?.lost.high == 0 && parking.consumer?.parkedCycles.value ?? 0 > 0)
    #expect(try #require(parking.stallCycles).p99.value > 10 * #require(free.stallCycles).p99.value)
    #expect(try #require(parking.raisedCycles).p99.value > 10 * #require(free.raisedCycles).p99.value)
  }

  @Test("exits of the background drain modification logs: what they hold is noticed earlier, and more of it")
  func background() throws {
    defer { unlink(path) }
    let quiet = try result(LatencySetting(consumer: .poll))
    let busy = try result(LatencySetting(consumer: .poll, exitsPerSecond: 1e6, seed: 3))
    #expect(try result(LatencySetting(consumer: .poll, exitsPerSecond: 1e6, seed: 3)) == busy)
    #expect(busy.crosscheck.agree)
    for (before, after) in zip(quiet.strategies, busy.strategies) {
      guard ["pml", "hybrid"].contains(before.name) else {
        #expect(before.counts == after.counts, "\(before.name)")
        continue
      }
      // Pages that become promoted have every store noticed; more drains promote more, and demote more.
      if before.name == "hybrid" { continue }
      #expect(after.notifications.count > before.notifications.count)
      #expect(try #require(after.notifications.late).p99 < #require(before.notifications.late).p99)
    }
  }

  @Test("exits of the background come at their rate, in the same places again")
  func rate() throws {
    unlink(path)
    let setting = LatencySetting(consumer: .poll, exitsPerSecond: 1000, seed: 5)
    var background = try #require(BackgroundExits(setting, cyclesPerNanosecond: 2.5, vcpus: 2))
    // 2.5 GHz at one cycle an instruction: one exit in 2.5 M instructions.
    let due = (0..<1_000_000).count { background.isDue(on: 1, at: UInt64($0) * 2500) }
    #expect(abs(due - 1000) < 100, "\(due)")
    #expect(BackgroundExits(LatencySetting(consumer: .poll), cyclesPerNanosecond: 2.5, vcpus: 2) == nil)
    // A clock from a forged recording.
    let forged = (0..<2).map { _ in background.isDue(on: 1, at: .max) }
    #expect(forged == [true, false])
  }
}
