// A strategy of one's own, with a choice that gi-bench does not have, beside built-in ones.
import EPTTables
import Foundation
import GuestIntegrity
import Replay
import Report
import ScriptedGuest

/// Every refused store is shown to a component in another partition, which answers by a hypercall.
struct AskPartition: Noticing {
  var name: String { "ask-partition" }
  var meaning: String { "the EPT refuses the write; a component in another partition is asked by two hypercalls" }
  var contract: NoticingContract { .everyStore }
  func bits(of page: TracedPage) -> LeafBits { withoutWrite(page) }
  func deliver(by host: inout some ActingHost) {
    host.spend(.hypercallExit)
    host.spend(.hypercallExit)
  }
}

let mine = Strategy(
  name: "ask-partition", summary: "as eptp-exit; another partition is asked about each refused store",
  mechanism: Mechanism(switching: .eptpByExit, noticing: AskPartition()),
  sound: Soundness(value: true, reason: "as eptp-exit; the store waits for the answer"))

guard CommandLine.arguments.count == 2, let profile = try ProfileLibrary.profile(named: "skylake-sp") else {
  print("usage: own-strategy FILE.trace")
  exit(64)
}
let result = try replay(
  ReplayRequest(
    tracePath: CommandLine.arguments[1], strategies: [.eptpExit, mine, .singleStep], profile: profile,
    countersOnly: true))
for strategy in result.strategies {
  print(
    strategy.name,
    "costs \(strategy.overheadCycles.value / 1e6) M cycles for \(strategy.notifications.count) notifications")
}

precondition(result.crosscheck.agree, "\(result.crosscheck.differences)")

// The whole report, in any format.
let page = FileManager.default.temporaryDirectory.appending(path: "own-strategy.html")
try Data(report(on: [result], as: .html).utf8).write(to: page)
print("the report: \(page.path)")

// What each attack comes to, beside a strategy whose soundness is known.
for attack in Attack.all {
  let (outcome, known) = (try attack.run(under: mine.mechanism), try attack.run(under: Strategy.eptpExit.mechanism))
  if outcome.kind != known.kind { print("\(attack.id): \(outcome.kind.rawValue), eptp-exit \(known.kind.rawValue)") }
}
print("\(Attack.all.count) attacks run")
