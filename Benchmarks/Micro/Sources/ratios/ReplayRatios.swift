import Foundation
import Measuring
import Replay
import Recordings

/// P6, P7 and P13: the replay of the recorded boot.
enum ReplayRatios {
  private static let path = "traces/boot.trace"
  private static let rounds = 9

  static func verdicts(_ wanted: (String) -> Bool) throws -> [Verdict] {
    var verdicts: [Verdict] = []
    if wanted("P6") || wanted("P7") { verdicts += try replays().filter { wanted($0.target) } }
    if wanted("P13") { verdicts.append(try firstLine()) }
    return verdicts
  }

  private static func replays() throws -> [Verdict] {
    let replays = try StrategyTimes(of: path, rounds: rounds)
    let writes = Double(try RecordingReader(path: path).header.totals.writes)
    func rate(_ seconds: [Double]) -> Median { Median(seconds.map { writes / $0 / 1e6 }) }
    let one = rate(replays.one)
    return [
      Verdict(
        target: "P6", figure: 2000 / one.value, limit: 1,
        explanation: """
          2000 M writes/s over \(one.text(0)) M writes/s: \(path) under eptp-exit and unmonitored, file to result, in \
          processor time of the one thread; reading alone makes \(rate(replays.reading).text(0)) M writes/s, a bare two-level \
          TLB loop in C over runs decoded beforehand \(rate(replays.bare).text(0))
          """),
      Verdict(
        target: "P7", figure: replays.sharing.value, limit: 1.5,
        explanation: """
          time of \(StrategyTimes.all.count) strategies over that of one, \(replays.sharing.text()); \
          \(Median(replays.every).text(3)) s
          """),
    ]
  }

  /// `swift run gi-bench traces/boot.trace` on a warm build, as a user would start it.
  private static func firstLine() throws -> Verdict {
    var first: [Double] = []
    var whole: [Double] = []
    for round in 0...3 {
      let process = Process()
      process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
      process.arguments = ["swift", "run", "--skip-build", "gi-bench", path]
      if round == 0 { process.arguments = ["swift", "build", "--product", "gi-bench"] }
      let output = Pipe()
      process.standardOutput = output
      process.standardError = FileHandle.nullDevice
      let start = nanoseconds()
      try process.run()
      let beginning = output.fileHandleForReading.availableData
      let firstSeconds = (nanoseconds() - start) / 1e9
      _ = try output.fileHandleForReading.readToEnd()
      process.waitUntilExit()
      guard process.terminationStatus == 0, !beginning.isEmpty else {
        throw ReplayError(
          "swift \(process.arguments?[1] ?? "") ended with \(process.terminationStatus); run it by hand")
      }
      // The first round only builds.
      guard round > 0 else { continue }
      first.append(firstSeconds)
      whole.append((nanoseconds() - start) / 1e9)
    }
    return Verdict(
      target: "P13", figure: Median(first).value, limit: 1,
      explanation: """
        seconds from `swift run gi-bench \(path)` to its first line of output, warm build, \(Median(first).text()); all of \
        it after \(Median(whole).text()) s
        """)
  }
}
