import Foundation
import Replay
import Testing

@testable import Report

@Suite("Several recordings at once")
struct SummaryTests {
  private func result(_ overheads: [String: Double], profile: String = "p") -> RunResult {
    var result = Fixture.counted
    result.profile = ProfileDescription(name: profile, parameters: Fixture.parameters)
    result.strategies = overheads.sorted { $0.key < $1.key }.map { Fixture.strategy($0.key, overhead: $0.value) }
    result.ranking = Ranking(order: overheads.sorted { $0.value < $1.value }.map(\.key), robust: [])
    return result
  }

  @Test("are a geometric mean of ratios to eptp-exit, whatever a recording's length")
  func mean() throws {
    let results = Fixture.recordings(
      result(["eptp-exit": 100, "vmfunc": 50, "filter": 800]),
      result(["eptp-exit": 1_000_000, "vmfunc": 2_000_000, "filter": 2_000_000]))
    let summary = try #require(Summary(of: results))
    #expect(summary.reference == "eptp-exit" && summary.recordings == 2)
    #expect(summary.rows.map(\.strategy) == ["eptp-exit", "vmfunc", "filter"])
    #expect(summary.rows.map { ($0.mean ?? 0).rounded() } == [1, 1, 4])
    #expect(summary.rows[2].least == 2 && summary.rows[2].greatest == 8)
    #expect(summary.rows.map(\.wins) == [1, 1, 0])
  }

  @Test("count every workload once, and tell how far its recordings spread the mean")
  func workloads() throws {
    var results = Fixture.recordings(
      result(["eptp-exit": 100, "vmfunc": 50]), result(["eptp-exit": 100, "vmfunc": 200]),
      result(["eptp-exit": 100, "vmfunc": 800]))
    for index in results.indices { results[index].trace.workload = index == 0 ? "one" : "two" }
    let summary = try #require(Summary(of: results))
    #expect(summary.recordings == 3 && summary.workloads == 2)
    // The mean of 1/2 and of 4, which is that of 2 and 8.
    let vmfunc = try #require(summary.rows.first { $0.strategy == "vmfunc" })
    #expect(abs(try #require(vmfunc.mean) - 2.0.squareRoot()) < 1e-9)
    // Every draw of the second workload is 2, 4 or 8.
    let interval = try #require(vmfunc.interval)
    #expect(abs(interval.low - 1) < 1e-9 && abs(interval.high - 2) < 1e-9)
    let text = try report(on: results, as: .text)
    #expect(text.contains("geometric mean of 2 workloads, 3 recordings in all"))
    #expect(text.contains("\(Figure.ratio(interval.low)) to \(Figure.ratio(interval.high))"))
    #expect(try #require(Summary(of: Array(results.prefix(2)))).rows.allSatisfy { $0.interval == nil })
  }

  @Test("take saved results beside what was replayed, and do not tell of each")
  func beside() throws {
    let results = Fixture.recordings(
      result(["eptp-exit": 100, "vmfunc": 50]), result(["eptp-exit": 100, "vmfunc": 200]))
    let text = try report(on: [results[0]], beside: [results[1]], as: .text)
    #expect(text.contains("geometric mean of 2 recordings"))
    #expect(text.components(separatedBy: "What was run").count == 2)
    #expect(try report(on: [], beside: [results[1]], as: .text).contains("What was run"))
    #expect(objection(toCountingTogether: results) == nil)
    var other = results[1]
    other.dimensions = 2
    #expect(objection(toCountingTogether: [results[0], other])?.contains("the dimensions differ (1 and 2)") == true)
  }

  @Test("take another reference where eptp-exit is missing, and have no mean of an overhead that is not positive")
  func references() throws {
    let other = try #require(Summary(of: Fixture.recordings(result(["a": 0, "b": 2]), result(["a": 1, "b": 4]))))
    #expect(other.reference == "b" && other.rows.map(\.strategy) == ["a", "b"] && other.rows[0].mean == nil)
    #expect(Summary(of: [result(["a": 1])]) == nil)
    #expect(Summary(of: Fixture.recordings(result(["a": 1]), result(["b": 1]))) == nil)
    #expect(Summary(of: Fixture.recordings(result(["a": 1]), result(["a": 1], profile: "q"))) == nil)
  }

  @Test("count a recording once, and no cut beside its whole")
  func counted() {
    let one = result(["a": 1, "b": 2])
    #expect(Summary(of: [one, one]) == nil)
    var both = Fixture.recordings(one, one)
    #expect(Summary(of: both)?.recordings == 2 && Summary(of: both + [both[0]])?.recordings == 2)
    both[1].trace.cutOf = both[0].trace.digest
    #expect(Summary(of: both) == nil)
  }

  @Test("stand in text, Markdown and HTML before the recordings")
  func formats() throws {
    let results = Fixture.recordings(
      result(["eptp-exit": 100, "vmfunc": 50]), result(["eptp-exit": 100, "vmfunc": 50]))
    for format in [ReportFormat.text, .markdown, .html] {
      let text = try report(on: results, as: format)
      let summary = try #require(text.range(of: "geometric mean of 2 recordings"), "\(format)")
      #expect(try summary.lowerBound < #require(text.range(of: "What was run", options: .backwards)).lowerBound)
      #expect(try !report(on: [results[0]], as: format).contains("geometric mean"), "\(format)")
    }
  }
}
