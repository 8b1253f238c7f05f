import Addresses
import SeededRandom
import Testing

@testable import Replay

@Suite("Host ratios")
struct HostRatioTests {
  /// Times in turns: theirs, ours, ours, theirs.
  private func alternating(_ count: Int, theirs: () -> Double, ours: () -> Double) -> [Double] {
    (0..<count).map { [1, 2].contains($0 % 4) ? ours() : theirs() }
  }

  @Test("find the ratio of two programs whichever came first, and noise only where one differs from itself")
  func order() {
    let steady = HostRatio(alternating: alternating(120, theirs: { 4 }, ours: { 3 }))
    #expect(
      steady.low == 0.75 && steady.value == 0.75 && steady.high == 0.75 && steady.noise == 0 && steady.pairs == 60)
    // The second process of each pair takes a tenth longer, which is no difference of programs.
    let later = HostRatio(alternating: (0..<120).map { $0 % 2 == 0 ? 1 : 1.1 })
    #expect(later.low < 1 && later.high > 1 && later.noise > 0.09)
    #expect(HostRatio(alternating: []).value == 1)
  }

  @Test("hold the true ratio in all but a few of many draws", arguments: [1, 2, 3] as [UInt64])
  func coverage(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    let held = (0..<1000).count { _ in
      let ratio = HostRatio(
        alternating: alternating(120) {
          Double.random(in: 1...2, using: &random)
        } ours: {
          Double.random(in: 1...2, using: &random) * 1.5
        })
      return ratio.low <= 1.5 && 1.5 <= ratio.high
    }
    #expect(held >= 990, "seed \(seed): \(held) of 1000")
  }

  @Test("are taken of a hypervisor that protects the task's ranges, and of nothing else")
  func sample() throws {
    let range = try #require(PageRange(first: GuestPageNumber(32), count: 40))
    var task = HostRatioTask(strategy: .eptpExit, ranges: [range], guestBytes: 1 << 21)
    let sample = try task.sample()
    // The way to the alert contains the look-up.
    #expect(sample.lookup > 0 && sample.alert > sample.lookup)
    task.ranges = [[32]]
    #expect(throws: ReplayError.self) { try task.sample() }
    task.ranges = [[UInt64.max, 7]]
    #expect(throws: ReplayError.self) { try task.sample() }
    // Behind the guest's memory lies the driver.
    task.ranges = [[512, 1]]
    #expect(throws: ReplayError.self) { try task.sample() }
  }
}
