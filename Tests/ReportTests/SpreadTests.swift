import Replay
import Testing

@testable import Report

@Suite("Several recordings of one workload")
struct SpreadTests {
  private func result(_ digest: String, workload: String = "w", _ overheads: [String: Double]) -> RunResult {
    var result = Fixture.counted
    result.trace.digest = digest
    result.trace.workload = workload
    result.strategies = overheads.sorted { $0.key < $1.key }.map { name, overhead in
      var strategy = Fixture.strategy(name, overhead: overhead)
      strategy.contract = name == "late" ? .detectionOnly : .sound
      return strategy
    }
    return result
  }

  @Test("leave an order undecided that turns between them, and keep one that does not")
  func orders() throws {
    let spreads = Spread.all(of: [
      result("1", ["a": 100, "b": 110, "c": 300, "late": 1]), result("2", ["a": 120, "b": 90, "c": 310, "late": 1]),
      result("3", ["a": 100, "b": 130, "c": 290, "late": 1]),
    ])
    let spread = try #require(spreads.first)
    #expect(spreads.count == 1 && spread.recordings == 3)
    #expect(spread.pairs.map { "\($0.cheaper)<\($0.dearer)" } == ["a<b", "a<c", "b<c"])
    #expect(spread.pairs.map(\.isDecided) == [false, true, true])
    for pair in spread.pairs { #expect(pair.ratio.low <= pair.ratio.value && pair.ratio.value <= pair.ratio.high) }
    // The ratios themselves bound every mean of them.
    #expect(spread.pairs[1].ratio.low >= 310.0 / 120 - 1e-9 && spread.pairs[1].ratio.high <= 3 + 1e-9)
    #expect(Spread.all(of: [result("1", ["a": 1, "b": 2]), result("2", ["a": 1, "b": 2])])[0].pairs[0].isDecided)
  }

  @Test("are several, and of one workload, profile and contract")
  func groups() {
    let costs = ["a": 1.0, "b": 2]
    #expect(Spread.all(of: [result("1", costs)]).isEmpty)
    #expect(Spread.all(of: [result("1", costs), result("1", costs)]).isEmpty, "the same recording twice")
    #expect(Spread.all(of: [result("1", costs), result("2", workload: "v", costs)]).isEmpty)
    var other = result("2", costs)
    other.profile.name = "another"
    #expect(Spread.all(of: [result("1", costs), other]).isEmpty)
    #expect(Spread.all(of: [result("1", ["a": 0, "b": 2]), result("2", costs)])[0].pairs.isEmpty)
  }

  @Test("stand behind the summary")
  func document() throws {
    let text = try report(on: [result("1", ["a": 100, "b": 200]), result("2", ["a": 90, "b": 200])], as: .text)
    #expect(text.contains("2 recordings of one workload: w") && text.contains("holds"))
  }
}
