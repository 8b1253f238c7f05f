import Measuring
import Replay
import Recordings
import Workloads

/// Replay against the number of vCPUs, which take turns of 1000 stores; on one host thread and on two.
struct ProcessorsStudy {
  let writes: Int

  func run(_ study: inout Study) throws {
    let profile = try TimedReplay.profile(ProfileLibrary.defaultName)
    for workload in [Workload.scan, .zipf] {
      for vcpus in [1, 2, 4, 8, 16, 32, 64, 128, 256] {
        try GeneratedRecording.with(workload, writes: writes, vcpus: vcpus) { trace in
          try measure(trace.path, workload.rawValue, vcpus: vcpus, profile, &study)
        }
        // A turn each: what a replay costs before it replays anything worth speaking of.
        let shortest = try GeneratedRecording.with(workload, writes: vcpus * 1000, vcpus: vcpus) { trace in
          try TimedReplay(trace.path, strategies: [.eptpExit], profile: profile, rounds: 9)
        }
        study.add(
          "vcpus", vcpus, workload.rawValue, "replay_of_1000_writes_each_us", Median(shortest.processor).value / 1000)
      }
    }
    try measure(RecordedBoot.path, RecordedBoot.name, vcpus: 2, profile, &study)
    study.add("vcpus", 1, profile.name, "modelled_caches_bytes", Double(Self.modelledBytes(profile.geometry)))
  }

  private func measure(
    _ path: String, _ curve: String, vcpus: Int, _ profile: CycleProfile, _ study: inout Study
  ) throws {
    let one = try TimedReplay(path, strategies: [.eptpExit], profile: profile, rounds: 5)
    let two = try TimedReplay(path, strategies: [.eptpExit], profile: profile, threads: 2, rounds: 5)
    func add(_ quantity: String, _ value: Double) {
      study.add("vcpus", vcpus, curve, quantity, value / Double(one.counts["writes"] ?? 1))
    }
    add("replay_ns_a_write", Median(one.processor).value)
    add("replaying_thread_of_2_ns_a_write", Median(two.processor).value)
    add("wall_ns_a_write_1_thread", one.wall.min() ?? 0)
    add("wall_ns_a_write_2_threads", two.wall.min() ?? 0)
    add("walks_a_write", Double(one.counts["walks"] ?? 0))
    add("stlb_hits_a_write", Double(one.counts["stlb_hits"] ?? 0))
  }

  /// Bytes that the modelled caches of one vCPU take in one strategy's replay: four a key.
  static func modelledBytes(_ geometry: CacheGeometry) -> Int {
    let lines = geometry.walkLines
    let pointers = geometry.pdeCache + geometry.pdpteCache + geometry.pml4eCache
    return 4 * (geometry.l1StoreTLB.entries + geometry.stlb.entries + pointers + lines.l1 + lines.l2 + lines.l3)
  }
}
