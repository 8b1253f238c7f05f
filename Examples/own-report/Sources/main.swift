// A report of one's own: a saved result as text that a monitoring system scrapes (OpenMetrics).
import Foundation
import Replay

/// A pure function of a result: it reads no file and no clock, so a test can hold its output.
func openMetrics(_ result: RunResult) -> String {
  var text = ""
  func gauge(_ name: String, _ help: String, _ value: (StrategyResult) -> Double) {
    text += "# TYPE \(name) gauge\n# HELP \(name) \(help)\n"
    for strategy in result.strategies {
      text += "\(name){strategy=\"\(strategy.name)\",profile=\"\(result.profile.name)\"} \(value(strategy))\n"
    }
  }
  gauge("gi_overhead_cycles", "Modelled cycles beyond the same guest unmonitored.") { $0.overheadCycles.value }
  gauge("gi_overhead_cycles_high", "The same at the dearest plausible costs.") { $0.overheadCycles.high }
  gauge("gi_notifications", "Stores to protected pages that were noticed.") { Double($0.notifications.count) }
  gauge("gi_sound", "1 where no store goes unnoticed.") { $0.sound.value ? 1 : 0 }
  return text + "# EOF\n"
}

guard CommandLine.arguments.count == 2 else {
  print("usage: own-report RESULT.json")
  exit(64)
}
let saved = try Data(contentsOf: URL(filePath: CommandLine.arguments[1]))
print(openMetrics(try JSONDecoder().decode(RunResult.self, from: saved)), terminator: "")
