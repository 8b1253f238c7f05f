import Addresses
import SeededRandom
import Testing

@testable import Replay

@Suite("Host ratios")
struct HostRatioTests {
  @Test("find the median with an interval that holds it, and noise only where samples differ")
  func order() {
    let steady = HostRatio([Double](repeating: 3, count: 60))
    #expect(steady.low == 3 && steady.value == 3 && steady.high == 3 && steady.noise == 0 && steady.samples == 60)
    let spread = HostRatio((1...101).map { Double($0) })
    #expect(spread.value == 51 && spread.low == 34 && spread.high == 69)
    #expect(HostRatio([]).value == 1)
  }

  @Test("hold the true median in all but a few of many draws", arguments: [1, 2, 3] as [UInt64])
  func coverage(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    let held = (0..<1000).count { _ in
      let ratio = HostRatio((0..<60).map { _ in Double.random(in: 0...2, using: &random) })
      return ratio.low <= 1 && 1 <= ratio.high
    }
    #expect(held >= 990, "seed \(seed): \(held) of 1000")
  }

  @Test("search finds the range of a page as a look through all of them does", arguments: 0..<20 as Range<UInt64>)
  func search(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    let ranges = (0..<Int.random(in: 1...12, using: &random)).map { _ in
      PageRange(
        first: GuestPageNumber(UInt64.random(in: 0..<90, using: &random)),
        count: UInt64.random(in: 1...9, using: &random))!
    }
    let search = PlainSearch(ranges)
    for page in 0..<110 as Range<UInt64> {
      let isInside = ranges.contains { $0.contains(GuestPageNumber(page)) }
      #expect((search.find(page) != nil) == isInside, "seed \(seed), page \(page)")
    }
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
