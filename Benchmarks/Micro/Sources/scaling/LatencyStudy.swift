import Measuring
import SeededRandom

/// What this host's memory costs: a chase through random lines of a working set, each load waiting for the one before.
struct LatencyStudy {
  private let steps = 1 << 19

  func run(_ study: inout Study) {
    for shift in 14...28 {
      let bytes = 1 << shift
      let memory = HugePages(bytes: bytes, touched: bytes)
      let lines = memory.start.assumingMemoryBound(to: Line.self)
      link(lines, count: bytes / MemoryLayout<Line>.stride)
      var next = chase(lines, from: 0)
      let times = (0..<5).map { _ in
        let start = processorNanoseconds()
        next = chase(lines, from: next)
        return (processorNanoseconds() - start) / Double(steps)
      }
      precondition(next < bytes)
      withExtendedLifetime(memory) {}
      study.add("bytes", bytes, "random line", "load_ns", Median(times).value)
    }
  }

  /// A cache line that names the next one.
  private typealias Line = (Int, Int, Int, Int, Int, Int, Int, Int)

  /// Links all lines in one random cycle (Sattolo's shuffle).
  private func link(_ lines: UnsafeMutablePointer<Line>, count: Int) {
    var random = SplitMix64(seed: UInt64(count))
    for line in 0..<count { lines[line].0 = line }
    for line in stride(from: count - 1, to: 0, by: -1) {
      let other = Int.random(in: 0..<line, using: &random)
      (lines[line].0, lines[other].0) = (lines[other].0, lines[line].0)
    }
  }

  @inline(never)
  private func chase(_ lines: UnsafeMutablePointer<Line>, from start: Int) -> Int {
    var line = start
    for _ in 0..<steps { line = lines[line].0 }
    return line
  }
}
