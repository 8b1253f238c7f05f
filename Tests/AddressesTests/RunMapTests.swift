import Addresses
import SeededRandom
import Testing

@Suite("Runs of values")
struct RunMapTests {
  /// Against a value for every number: few numbers, so that runs split and join all the time; steps apart, so that there are many.
  @Test("are what a list of all values says", arguments: [(64, 1), (4000, 1), (4000, 1 << 40)] as [(UInt64, UInt64)])
  func againstList(count: UInt64, step: UInt64) {
    for seed in 0..<3 as Range<UInt64> {
      var random = SplitMix64(seed: seed)
      func below(_ limit: UInt64) -> UInt64 { UInt64.random(in: 0..<limit, using: &random) }
      var runs = RunMap(0)
      var list = [Int](repeating: 0, count: Int(count))
      for change in 0..<3000 {
        let first = below(count)
        let last = min(count - 1, first + below(below(8) == 0 ? count : 3))
        let value = Int(below(4))
        runs.change(first * step...last * step + (step - 1)) { value == 0 ? $0 : $0 &+ value & 7 }
        if value > 0 { for index in Int(first)...Int(last) { list[index] = list[index] &+ value & 7 } }
        let asked = below(count)
        #expect(runs[asked * step + below(step)] == list[Int(asked)], "seed \(seed), change \(change)")
      }
      let (first, last) = (count / 3, count / 2)
      var next = first * step
      runs.forEach(in: next...last * step) { numbers, value in
        #expect(numbers.lowerBound == next, "seed \(seed)")
        #expect(
          (numbers.lowerBound / step...numbers.upperBound / step).allSatisfy { list[Int($0)] == value }, "seed \(seed)")
        next = numbers.upperBound + 1
      }
      #expect(next == last * step + 1, "seed \(seed)")
    }
  }

  @Test("reach from the first number to the last")
  func ends() {
    var runs = RunMap("a")
    runs.change(.max - 1 ... .max) { $0 + "b" }
    runs.change(0...0) { $0 + "c" }
    var seen: [String] = []
    runs.forEach(in: 0 ... .max) { seen.append("\($0.lowerBound) \($1)") }
    #expect(seen == ["0 ac", "1 a", "\(UInt64.max - 1) ab"])
    runs.change(0 ... .max) { _ in "d" }
    seen = []
    runs.forEach(in: 0 ... .max) { seen.append("\($0.lowerBound) \($1)") }
    #expect(seen == ["0 d"])
  }
}
