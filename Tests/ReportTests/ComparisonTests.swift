import SeededRandom
import Foundation
import Testing

@testable import Replay
@testable import Report

@Suite("A comparison")
struct ComparisonTests {
  private func compare(_ a: RunResult, _ b: RunResult, force: Bool = false) throws -> Comparison {
    try Comparison(of: [b], against: [a], names: ("A.json", "B.json"), isForced: force)
  }

  private func row(_ comparison: Comparison, _ strategy: String, _ figure: String) throws -> Comparison.Row {
    try #require(comparison.rows.first { $0.strategy == strategy && $0.figure.hasPrefix(figure) })
  }

  /// The fixture with one count of one strategy changed, and its overhead with it.
  private func changed(_ event: Event, by n: UInt64) -> RunResult {
    var result = Fixture.result
    result.strategies[1].counts[event.name, default: 0] += n
    var form = LinearForm()
    form.add(PriceList.price(of: event), times: Double(n))
    let price = form.priced(by: Fixture.parameters)
    result.strategies[1].overheadCycles.low += price.low
    result.strategies[1].overheadCycles.value += price.value
    result.strategies[1].overheadCycles.high += price.high
    return result
  }

  @Test("of a result with itself is the same throughout, but for host time, which is not judged")
  func same() throws {
    let comparison = try compare(Fixture.result, Fixture.result)
    // Overhead, stall, switches, notifications and host each; three percentiles an end, lost alerts where some were.
    #expect(comparison.rows.count == 4 * 5 + 3 * (2 * 3 + 1) + 2)
    for row in comparison.rows {
      #expect(row.verdict == (row.figure == "host, s" ? .unjudged : .same), "\(row)")
      #expect(row.ratio.map { $0.low == 1 && $0.high == 1 } ?? (row.a == 0))
    }
  }

  @Test("calls dearer what costs more under every cost within the brackets, though the overheads' brackets overlap")
  func dearer() throws {
    let comparison = try compare(Fixture.result, changed(.violationExits, by: 10))
    let overhead = try row(comparison, "eptp-exit", "overhead")
    let ratio = try #require(overhead.ratio)
    #expect(overhead.verdict == .more)
    #expect(ratio.low >= 1 && ratio.low <= ratio.value && ratio.value <= ratio.high)
    #expect(comparison.notes.isEmpty)
    #expect(try row(comparison, "toggle", "overhead").verdict == .same)
  }

  @Test("is undecided where one count rose and another fell and the costs' brackets overlap")
  func undecided() throws {
    var a = changed(.hypercallExits, by: 1000)
    let b = changed(.vmfuncSwitches, by: 1000)
    #expect(try row(try compare(a, b), "eptp-exit", "overhead").verdict == .undecided)
    a = changed(.hypercallExits, by: 100_000)
    #expect(try row(try compare(a, b), "eptp-exit", "overhead").verdict == .less)
  }

  @Test("has an interval that holds the ratio at every point of the box of costs", arguments: [1, 2, 3, 4] as [UInt64])
  func intervalHolds(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    for _ in 0..<50 {
      let shared = counts(&random, upTo: 1000)
      let (a, b) = (plus(shared, counts(&random, upTo: 100)), plus(shared, counts(&random, upTo: 100)))
      let unmonitored = shared.mapValues { $0 / 2 }
      let overheads = [a, b].map { form($0) - form(unmonitored) }
      var results = [Fixture.result, Fixture.result]
      for (i, counts) in [a, b].enumerated() {
        results[i].strategies = [Fixture.strategy("eptp-exit", overhead: 0)]
        results[i].strategies[0].counts = counts
        results[i].strategies[0].overheadCycles = overheads[i].priced(by: Fixture.parameters)
      }
      let overhead = try row(try compare(results[0], results[1]), "eptp-exit", "overhead")
      let interval = try #require(overhead.ratio)
      for _ in 0..<100 {
        let point = Fixture.parameters.map { cost in
          var cost = cost
          let value = Bool.random(using: &random) ? cost.low : Double.random(in: cost.low...cost.high, using: &random)
          (cost.low, cost.value, cost.high) = (value, value, value)
          return cost
        }
        let (x, y) = (overheads[0].priced(by: point).value, overheads[1].priced(by: point).value)
        // Exports hold whole cycles, so the interval may be off by as much.
        let slack = 4 / x
        #expect(
          interval.low - slack <= y / x && y / x <= interval.high + slack,
          "seed \(seed): \(y / x) is outside \(interval)")
        if overhead.verdict == .more { #expect(y >= x - 4, "seed \(seed)") }
        if overhead.verdict == .less { #expect(y <= x + 4, "seed \(seed)") }
      }
    }
  }

  private func counts(_ random: inout SplitMix64, upTo most: UInt64) -> [String: UInt64] {
    Dictionary(uniqueKeysWithValues: Event.allCases.map { ($0.name, UInt64.random(in: 0...most, using: &random)) })
  }

  private func plus(_ a: [String: UInt64], _ b: [String: UInt64]) -> [String: UInt64] {
    a.merging(b, uniquingKeysWith: +)
  }

  private func form(_ counts: [String: UInt64]) -> LinearForm {
    Event.allCases.reduce(into: LinearForm()) { form, event in
      form.add(PriceList.price(of: event), times: Double(counts[event.name, default: 0]))
    }
  }

  @Test("falls back to the two brackets, and says so, where the counts do not explain the overhead")
  func unexplained() throws {
    var b = Fixture.result
    b.strategies[1].overheadCycles.value += 1e6
    let comparison = try compare(Fixture.result, b)
    #expect(try row(comparison, "eptp-exit", "overhead").verdict == .undecided)
    #expect(comparison.notes.count == 1 && comparison.notes[0].contains("eptp-exit"))
  }

  @Test("of as many but other notified stores says that they are not the same")
  func otherStores() throws {
    var b = Fixture.result
    b.strategies[0].notifications.setDigest = "ff"
    #expect(try row(try compare(Fixture.result, b), "toggle", "notifications").verdict == .different)
  }

  @Test(
    "refuses unlike results with the reason, unless forced",
    arguments: [
      Change("the recordings differ (digest 0123456789abcdef0123456789abcdef and ff)") { $0.trace.digest = "ff" },
      Change("the policies differ (recorded-driver and other)") { $0.policy.name = "other" },
      Change("the policies differ (recorded-driver and recorded-driver armed by mark m)") { $0.policy.arm = "m" },
      Change("the profiles differ (example and other)") { $0.profile.name = "other" },
      Change("the profile example gives another stlb_hit") { $0.profile.parameters[4].high += 1 },
    ] as [Change<RunResult>])
  func unlike(change: Change<RunResult>) throws {
    var b = Fixture.result
    change.apply(&b)
    #expect(
      throws: NotComparable(
        "A.json and B.json are not comparable: \(change.expectation); --force compares them all the same")
    ) { try compare(Fixture.result, b) }
    let forced = try compare(Fixture.result, b, force: true)
    #expect(forced.unlike == [change.expectation])
    #expect(TextExporter().export([forced.document]).contains("Forced"))
  }

  @Test("takes strategies that both hold, names the others, and refuses where there is none")
  func strategies() throws {
    var b = Fixture.result
    b.strategies.removeLast(2)
    let comparison = try compare(Fixture.result, b)
    #expect(Set(comparison.rows.map(\.strategy)) == ["toggle", "eptp-exit"])
    #expect(comparison.notes == ["In one result only, not compared: pml, spp."])
    b.strategies = [Fixture.strategy("other", overhead: 1)]
    #expect(throws: NotComparable.self) { try compare(Fixture.result, b) }
    #expect(throws: NotComparable.self) {
      try Comparison(of: [], against: [b], names: ("A", "B"), isForced: true)
    }
  }

  @Test("survives overheads of zero and JSON")
  func zero() throws {
    var a = Fixture.result
    a.strategies[1].overheadCycles = Bracket(low: 0, value: 0, high: 0)
    let comparison = try compare(a, Fixture.result)
    #expect(try row(comparison, "eptp-exit", "overhead").ratio == nil)
    let json = try JSONExporter.encode(comparison)
    #expect(try JSONDecoder().decode(Comparison.self, from: Data(json.utf8)) == comparison)
  }

  @Test("reads as it was reviewed")
  func golden() throws {
    var b = changed(.violationExits, by: 10)
    b.strategies[0].notifications.setDigest = "ff"
    b.strategies[0].switches = 400
    let comparison = try compare(Fixture.result, b)
    try expectGolden(TextExporter().export([comparison.document]), "comparison.txt")
    try expectGolden(comparison.csv, "comparison.csv")
  }
}
