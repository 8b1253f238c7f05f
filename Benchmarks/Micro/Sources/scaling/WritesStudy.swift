import Measuring
import Replay
import Recordings
import Workloads

/// Replay against the length of the recording: one vCPU, one strategy and the guest unmonitored, file to result.
struct WritesStudy {
  let most: Int
  /// A recording that would be larger, or take longer to generate, is left out, and those longer still.
  private let limits = (bytes: 1e9, seconds: 60.0)

  func run(_ study: inout Study) throws {
    let profile = try TimedReplay.profile(ProfileLibrary.defaultName)
    for workload in [Workload.scan, .zipf, .uniform] {
      var writes = 1000
      var fits = true
      while fits, writes <= most {
        fits = try GeneratedRecording.with(workload, writes: writes) { trace in
          try measure(trace, workload, writes, profile, &study)
          return Double(trace.bytes) * 10 <= limits.bytes && trace.seconds * 10 <= limits.seconds
        }
        writes *= 10
      }
      if writes <= most { print("\(workload.rawValue): \(writes) writes are more than 1 GB or 60 s of generating") }
    }
  }

  private func measure(
    _ trace: GeneratedRecording, _ workload: Workload, _ writes: Int, _ profile: CycleProfile, _ study: inout Study
  ) throws {
    let replays = try TimedReplay(trace.path, strategies: [.eptpExit], profile: profile, rounds: 5)
    let time = Median(replays.processor).value
    func add(_ quantity: String, _ value: Double) { study.add("writes", writes, workload.rawValue, quantity, value) }
    add("replay_ns_a_write", time / Double(writes))
    add("replay_M_writes_a_second", Double(writes) / time * 1000)
    add("replay_peak_MiB", try ReplayMemory.peakBytesOfProcess(replaying: trace.path) / 1048576)
    add("file_bytes_a_write", Double(trace.bytes) / Double(writes))
    add("runs_a_write", Double(trace.runs) / Double(writes))
    add("walks_a_write", Double(replays.counts["walks"] ?? 0) / Double(writes))
    add("stlb_hits_a_write", Double(replays.counts["stlb_hits"] ?? 0) / Double(writes))
    add("generate_s", trace.seconds)
  }
}
