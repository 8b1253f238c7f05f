import Foundation
import Measuring
import References
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

  /// One strategy, all strategies and the bare loop in turn, in one thread, each from the start.
  private static func replays() throws -> [Verdict] {
    guard let profile = try ProfileLibrary.profile(named: ProfileLibrary.defaultName) else { return [] }
    let (runs, writes) = try decoded()
    // The target is over these, however many there are by now.
    let all: [Strategy] = [.toggle, .eptpExit, .vmfunc, .filter, .ve, .pml, .singleStep]
    func seconds(_ strategies: [Strategy]) throws -> Double {
      let start = processorNanoseconds()
      _ = try replay(
        ReplayRequest(tracePath: path, strategies: strategies, profile: profile, countersOnly: true))
      return (processorNanoseconds() - start) / 1e9
    }
    var one: [Double] = []
    var every: [Double] = []
    var bare: [Double] = []
    for round in 0...rounds {
      let first = try seconds([.eptpExit])
      let second = try seconds(all)
      let start = processorNanoseconds()
      let misses = runs.withUnsafeBufferPointer { reference_two_level_tlb($0.baseAddress, $0.count) }
      let third = (processorNanoseconds() - start) / 1e9
      precondition(misses > 0, "a recording without a TLB miss")
      // The first round warms caches and page tables.
      guard round > 0 else { continue }
      one.append(first)
      every.append(second)
      bare.append(third)
    }
    let rate = Median(one.map { writes / $0 / 1e6 })
    let loop = Median(bare.map { writes / $0 / 1e6 })
    let sharing = Median(zip(every, one).map { $0 / $1 })
    return [
      Verdict(
        target: "P6", figure: 1000 / rate.value, limit: 1,
        explanation: """
          1000 M writes/s over \(rate.text(0)) M writes/s: \(path) under eptp-exit and unmonitored, file to result, in \
          processor time of the one thread; a bare two-level TLB loop in C over runs decoded beforehand makes \(loop.text(0)) M writes/s
          """),
      Verdict(
        target: "P7", figure: sharing.value, limit: 2,
        explanation: """
          time of \(all.count) strategies over that of one, \(sharing.text()); \(Median(every).text(3)) s
          """),
    ]
  }

  private static func decoded() throws -> ([UInt64], writes: Double) {
    let reader = try RecordingReader(path: path)
    let block = RecordingBlock()
    var runs: [UInt64] = []
    for number in reader.blocks.indices {
      try reader.read(block: number, into: block)
      runs += block.runs.map(\.rawValue)
    }
    return (runs, Double(reader.header.totals.writes))
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
      target: "P13", figure: Median(first).value, limit: 3,
      explanation: """
        seconds from `swift run gi-bench \(path)` to its first line of output, warm build, \(Median(first).text()); all of \
        it after \(Median(whole).text()) s
        """)
  }
}
