import Foundation
import Measuring
import Replay

/// P14: several recordings, in two processes at once and in one after the other, as a user would start them.
enum JobsRatios {
  private static let names = ["boot", "pagetables", "modules", "database", "quick"]
  private static let rounds = 3

  static func verdicts(_ wanted: (String) -> Bool) throws -> [Verdict] {
    guard wanted("P14") else { return [] }
    try run(["swift", "build", "--product", "gi-bench"])
    var (one, two, longest): ([Double], [Double], [Double]) = ([], [], [])
    // Without host time, for which alerts are taken on the other core.
    func seconds(_ names: [String], jobs: Int) throws -> Double {
      let start = nanoseconds()
      try run(
        [".build/debug/gi-bench", "--quiet", "--counters-only", "--jobs", "\(jobs)"]
          + names.map { "traces/\($0).trace" })
      return (nanoseconds() - start) / 1e9
    }
    for round in 0...rounds {
      let times = try (seconds(names, jobs: 1), seconds(names, jobs: 2), seconds(["pagetables"], jobs: 1))
      // The first round warms caches and page tables.
      guard round > 0 else { continue }
      one.append(times.0)
      two.append(times.1)
      longest.append(times.2)
    }
    let gain = Median(zip(one, two).map { $0 / $1 })
    return [
      Verdict(
        target: "P14", figure: 1.7 / gain.value, limit: 1,
        explanation: """
          1.7 over what two jobs gain, \(gain.text()): \(names.joined(separator: ", ")) under all strategies, \(Median(one).text(1)) s \
          with one, \(Median(two).text(1)) s with two, on \(ProcessInfo.processInfo.activeProcessorCount) cores; pagetables alone \
          takes \(Median(longest).text(1)) s, so that \(Median(zip(one, longest).map { $0 / $1 }).text()) is the limit
          """)
    ]
  }

  private static func run(_ arguments: [String]) throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = arguments
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      throw ReplayError("\(arguments.joined(separator: " ")) ended with \(process.terminationStatus); run it by hand")
    }
  }
}
