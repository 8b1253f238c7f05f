import Measuring
import Recordings
import References
import Replay
import Workloads

/// P7g and P8g: the replay of generated stores, of whose runs no filter strips much.
enum GeneratedRatios {
  private static let rounds = 5
  private static let writes = 2_000_000

  static func verdicts(_ wanted: (String) -> Bool) throws -> [Verdict] {
    guard wanted("P7g") || wanted("P8g") else { return [] }
    return try [Workload.uniform, .zipf].flatMap(verdicts).filter { wanted($0.target) }
  }

  private static func verdicts(_ workload: Workload) throws -> [Verdict] {
    try GeneratedRecording.with(workload, writes: writes) { recording in
      let replays = try StrategyTimes(of: recording.path, rounds: rounds)
      let rate = Median(replays.one.map { Double(writes) / $0 / 1e6 })
      let loop = Median(replays.bare.map { Double(writes) / $0 / 1e6 })
      let reading = Median(replays.reading.map { Double(writes) / $0 / 1e6 })
      return [
        Verdict(
          target: "P7g", figure: replays.sharing.value, limit: 2.5,
          explanation:
            "\(workload.rawValue): time of \(StrategyTimes.all.count) strategies over that of one, \(replays.sharing.text())"
        ),
        Verdict(
          target: "P8g", figure: 20 / rate.value, limit: 1,
          explanation: """
            20 M writes/s over \(rate.text(1)) M writes/s: \(workload.rawValue), \(writes) stores to \(GeneratedRecording.pages) pages, \
            under eptp-exit and unmonitored; reading alone makes \(reading.text(0)), a bare two-level TLB loop in C \(loop.text(0))
            """),
      ]
    }
  }
}
