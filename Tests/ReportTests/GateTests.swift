import Testing

@testable import Replay
@testable import Report

@Suite("The gate")
struct GateTests {
  private func gate(_ change: (inout StrategyResult) -> Void) throws -> Gate {
    var run = Fixture.counted
    change(&run.strategies[1])
    return try Gate(run, against: Fixture.counted)
  }

  @Test("finds nothing in an equal result, whatever the host took")
  func equal() throws {
    var run = Fixture.counted
    run.strategies[0].host = Fixture.strategy("x", overhead: 0).host
    run.tool.build = "debug"
    #expect(try Gate(run, against: Fixture.counted).findings.isEmpty)
  }

  @Test(
    "calls every dearer figure and every other answer a regression",
    arguments: [
      Change("overhead, cycles") { $0.overheadCycles.value += 1 },
      Change("guest stall, cycles") { $0.guestStallCycles.value += 1 },
      Change("raised p50, cycles") { $0.notifications.raisedCycles?.p50.value += 1 },
      Change("delivered p999, cycles") { $0.notifications.deliveredCycles?.p999.value += 1 },
      Change("stall max, cycles") { $0.notifications.stallCycles?.max.value += 1 },
      Change("delivered percentiles") { $0.notifications.deliveredCycles = nil },
      Change("alerts lost") { $0.notifications.consumer?.lost.value += 1 },
      Change("late by p50, instructions") { $0.notifications.late = LateDetection(p50: 1, p90: 0, p99: 0, max: 0) },
      Change("sound") { $0.sound.value = false },
      Change("notifications") { $0.notifications.count -= 1 },
      Change("set of notified stores, digest") { $0.notifications.setDigest = "ff" },
      Change("notifications of tree pages") { $0.notifications.byKind.tree -= 1 },
      Change("false share") { $0.notifications.falseShare -= 1 },
      Change("writes") { $0.counts["writes"]! -= 1 },
    ] as [Change<StrategyResult>])
  func regressions(change: Change<StrategyResult>) throws {
    let gate = try gate(change.apply)
    #expect(gate.hasRegression)
    #expect(gate.findings.map(\.figure) == [change.expectation])
    #expect(gate.findings.allSatisfy { $0.strategy == "eptp-exit" && $0.verdict == .regression })
    #expect(TextExporter().export([gate.document]).contains("Regression: eptp-exit"))
  }

  @Test("calls a cross-check that fails a regression, whatever the baseline's did")
  func crossCheck() throws {
    for (before, now) in [(true, true), (true, false), (false, true), (false, false)] {
      var (baseline, run) = (Fixture.counted, Fixture.counted)
      baseline.crosscheck = CrossCheck(agree: before, differences: before ? [] : ["filter missed one"])
      run.crosscheck = CrossCheck(agree: now, differences: now ? [] : ["filter missed one"])
      let gate = try Gate(run, against: baseline)
      #expect(gate.hasRegression == !now, "baseline \(before), run \(now): \(gate.findings)")
    }
  }

  @Test("calls fewer cycles improved, and asks for a new baseline")
  func improved() throws {
    let gate = try gate {
      $0.overheadCycles.value -= 1000
      $0.counts["violation_exits"]! -= 1
    }
    #expect(!gate.hasRegression)
    #expect(gate.findings.map(\.verdict) == [.improved, .changed])
    #expect(TextExporter().export([gate.document]).contains("Improved: eptp-exit; update the baseline"))
  }

  @Test("calls cheaper cycles with another notified set a regression")
  func cheaperButOther() throws {
    let gate = try gate {
      $0.overheadCycles.value -= 1000
      $0.notifications.setDigest = "ff"
    }
    #expect(gate.hasRegression)
  }

  @Test("does not let a small change through: there is no tolerance")
  func noTolerance() throws {
    #expect(try gate { $0.counts["violation_exits"]! += 1 }.findings.map(\.figure) == ["violation_exits"])
    #expect(try gate { $0.overheadCycles.value += 0.6 }.hasRegression)
  }

  @Test("calls a failing cross-check a regression")
  func crosscheck() throws {
    var run = Fixture.counted
    run.crosscheck = CrossCheck(agree: false, differences: ["toggle missed 1 store"])
    let gate = try Gate(run, against: Fixture.counted)
    #expect(gate.hasRegression && gate.findings.map(\.now) == ["toggle missed 1 store"])
  }

  @Test(
    "refuses what it cannot hold against the baseline",
    arguments: [
      Change("recordings differ") { $0.trace.digest = "ff" },
      Change("pace, background exits or seed differ") { $0.time?.seed += 1 },
      Change("consumers differ (vmi, 22.0 k ns, a ring of 64, lose and vmi, 22.0 k ns, a ring of 63, lose)") {
        for i in $0.strategies.indices { $0.strategies[i].notifications.consumer?.ring -= 1 }
      },
      Change("policies differ") { $0.policy.name = "other" },
      Change("profiles differ") { $0.profile.name = "other" },
      Change("gives another l1_reference") { $0.profile.parameters[0].value += 1 },
      Change("the baseline holds toggle, eptp-exit, spp, pml, the run holds toggle, eptp-exit, spp;") {
        $0.strategies.removeLast()
      },
      Change("the run holds toggle, eptp-exit, spp, pml, new;") {
        $0.strategies.append(Fixture.strategy("new", overhead: 1))
      },
    ] as [Change<RunResult>])
  func notComparable(change: Change<RunResult>) throws {
    var run = Fixture.counted
    change.apply(&run)
    let error = try #require(throws: NotComparable.self) { try Gate(run, against: Fixture.counted) }
    #expect(error.description.contains(change.expectation) && error.description.contains("--update"))
  }

  @Test("reads as it was reviewed")
  func golden() throws {
    let gate = try gate {
      $0.overheadCycles.value += 1000
      $0.counts["violation_exits"]! += 7
      $0.notifications.raisedCycles?.p50.value -= 10
      $0.notifications.raisedCycles?.p50.high += 10
    }
    let equal = try Gate(Fixture.counted, against: Fixture.counted)
    try expectGolden(TextExporter().export([gate.document, equal.document]), "gate.txt")
    try expectGolden(Gate.csv([gate, equal]), "gate.csv")
  }
}
