import Addresses
import Recordings
import SeededRandom
import Testing

@testable import Replay

@Suite("Lines that a hypervisor finds cold")
struct HypervisorLinesTests {
  private let sizes = [8.0, 32, 128]
  private let penalties = [0.0, 10, 70, 266]

  private func lines(handler: Double = 4) -> HypervisorLines {
    HypervisorLines(
      LineCosts(
        sizes: sizes, latencies: [4, 14, 74, 270].map { AtCorners(repeating: $0) },
        handlerLines: AtCorners(repeating: handler)))
  }

  /// Lines in the order of their last use: a line is in the first cache that is larger than what was used since.
  private struct RecencyList {
    private var lines: [UInt64] = []

    mutating func touch(_ line: UInt64) -> Int {
      guard let depth = lines.firstIndex(of: line) else {
        lines.insert(line, at: 0)
        // Deeper than the largest cache is as good as never.
        if lines.count > 1024 { lines.removeLast() }
        return .max
      }
      lines.remove(at: depth)
      lines.insert(line, at: 0)
      return depth
    }
  }

  @Test("are found where a list of lines in the order of their last use has them", arguments: 0..<20 as Range<UInt64>)
  func recency(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    var (lines, list) = (lines(), RecencyList())
    var stranger: UInt64 = 1 << 32
    var latest: [UInt64: Int] = [:]
    for step in 0..<300 {
      // What the guest touches is new each time, so that the distance counts distinct lines exactly.
      let guest = Int.random(in: 0...60, using: &random)
      lines.passed(.init(pages: Double(guest), instructions: Double(guest)))
      for _ in 0..<guest {
        stranger += 1
        _ = list.touch(stranger)
      }
      let line = UInt64.random(in: 0..<3, using: &random)
      let depth = list.touch(line)
      // The hypervisor's own lines in between are counted as often as they were touched.
      let others = latest[line].map { step - $0 - 1 } ?? 0
      latest[line] = step
      let cost = lines.touch(line)
      let level = sizes.firstIndex { Double(depth) < $0 } ?? 3
      let laterLevel = sizes.firstIndex { Double(depth) + Double(others) < $0 } ?? 3
      #expect(
        (penalties[level]...penalties[laterLevel]).contains(cost[1]), "seed \(seed), step \(step), depth \(depth)")
    }
  }

  @Test("are the colder the more the guest may have touched, corner by corner")
  func corners() {
    var lines = lines()
    let first = lines.runHandler()
    let second = lines.runHandler()
    #expect(first == AtCorners(repeating: 4 * 266), "nothing was touched before")
    #expect(second == .zero, "an exit right behind an exit is hot")
    lines.passed(.init(pages: 1, instructions: 10_000))
    let cost = lines.runHandler()
    // 1 line at least, 10 000 at most, 100 between: first level, memory, last level.
    #expect(cost == AtCorners(0, 4 * 70, 4 * 266))
    let slots = (0..<2).map { _ in lines.touch(1 << 63, noNearerThan: LineCosts.lastLevel) }
    #expect(slots == [AtCorners(repeating: 266), AtCorners(repeating: 70)])
  }

  @Test("pages between two exits are those of a set", arguments: 0..<20 as Range<UInt64>)
  func footprint(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    let runs = (0..<500).map { _ in
      Run(
        page: GuestPageNumber(UInt64.random(in: 0...60, using: &random) << 20), accesses: 1,
        vcpu: Int.random(in: 0...1, using: &random))
    }
    let footprint = GuestFootprint()
    footprint.begin()
    runs.withUnsafeBufferPointer { words in
      for _ in 0..<200 {
        let ends = [Int.random(in: 0...500, using: &random), Int.random(in: 0...500, using: &random)].sorted()
        let vcpu = Int.random(in: 0...1, using: &random)
        let expected = Set(runs[ends[0]..<ends[1]].filter { $0.vcpu == vcpu }.map(\.page))
        for _ in 0..<2 {
          #expect(footprint.pages(on: vcpu, ends[0], ends[1], of: words) == expected.count, "seed \(seed), \(ends)")
        }
      }
    }
  }
}
