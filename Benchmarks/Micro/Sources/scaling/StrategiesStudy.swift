import Measuring
import Replay
import Recordings
import Workloads

/// Replay against the number of strategies side by side: the recorded boot under two processors, and a generated
/// recording whose runs no filter strips.
struct StrategiesStudy {
  /// Rounds measured.
  let rounds: Int
  let generatedWrites: Int

  func run(_ study: inout Study) throws {
    for name in ["skylake-sp", "icelake-sp"] {
      let profile = try TimedReplay.profile(name)
      try measure("\(RecordedBoot.name) \(name)", RecordedBoot.path, profile, &study)
      let shares = try Self.sharesOfRunsLeft(in: RecordedBoot.path, profile.geometry.l1StoreTLB)
      study.add("strategies", 1, "\(RecordedBoot.name) \(name)", "runs_not_latest_of_100", 100 * shares.notLatest)
      study.add("strategies", 1, "\(RecordedBoot.name) \(name)", "runs_not_known_of_100", 100 * shares.notKnown)
    }
    let profile = try TimedReplay.profile("icelake-sp")
    try GeneratedRecording.with(.zipf, writes: generatedWrites) { trace in
      try measure("zipf icelake-sp", trace.path, profile, &study)
    }
  }

  private func measure(_ curve: String, _ path: String, _ profile: CycleProfile, _ study: inout Study) throws {
    let offered = Strategy.all.filter { $0.missingFeatures(on: profile).isEmpty }
    var times: [[Double]] = offered.map { _ in [] }
    // All numbers of strategies in turn, so that whatever else the machine does meets all.
    for round in 0...rounds {
      for count in 1...offered.count {
        let replays = try TimedReplay(path, strategies: Array(offered.prefix(count)), profile: profile, rounds: 1)
        // The first round warms caches and page tables.
        if round > 0 { times[count - 1] += replays.processor }
      }
    }
    for (index, values) in times.enumerated() {
      study.add("strategies", index + 1, curve, "replay_s", Median(values).value / 1e9)
      let ratios = zip(values, times[0]).map { $0 / $1 }
      study.add("strategies", index + 1, curve, "times_one_strategy", Median(ratios).value)
    }
  }

  /// The shares of runs that the filter's steps leave: those whose page is not the last that their vCPU touched in the same
  /// first-level set, and those whose page is not among as many last ones as the set has ways.
  private static func sharesOfRunsLeft(in path: String, _ tlb: CacheGeometry.SetAssociative) throws -> (
    notLatest: Double, notKnown: Double
  ) {
    let reader = try RecordingReader(path: path)
    let block = RecordingBlock()
    let sets = tlb.entries / tlb.ways
    var stacks = [[UInt64]](repeating: [], count: reader.header.totals.vcpus * sets)
    var (notLatest, notKnown) = (0, 0)
    for number in reader.blocks.indices {
      try reader.read(block: number, into: block)
      for run in block.runs {
        let page = run.page.rawValue
        let slot = run.vcpu * sets + (Int(page) & (sets - 1))
        guard stacks[slot].first != page else { continue }
        notLatest += 1
        if let place = stacks[slot].firstIndex(of: page) {
          stacks[slot].remove(at: place)
        } else {
          notKnown += 1
          if stacks[slot].count == tlb.ways { stacks[slot].removeLast() }
        }
        stacks[slot].insert(page, at: 0)
      }
    }
    let runs = Double(reader.header.totals.runs)
    return (Double(notLatest) / runs, Double(notKnown) / runs)
  }
}
