import SeededRandom
import Addresses
import Measuring
import MonitorTree

/// P3, P3c, P3r, P4, P5, P11 and P12: the monitor tree.
enum TreeRatios {
  /// What a busy policy changes: a claim in 100 us.
  private static let changesPerSecond = 10_000.0

  static func verdicts(_ wanted: (String) -> Bool) throws -> [Verdict] {
    var verdicts: [Verdict] = []
    if ["P3", "P3c", "P3r", "P5", "P11"].contains(where: wanted) {
      let small = try TreeWorkload(ranges: 10_000)
      if wanted("P3") { verdicts.append(lookUp("P3", small, limit: 0.50)) }
      if wanted("P3c") { verdicts.append(ColdLookUps(workload: small).verdict) }
      if wanted("P3r") { verdicts += try RecordedLookUps.verdicts(small) }
      if wanted("P5") { verdicts.append(readSide(small)) }
      if wanted("P11") { verdicts += [try publication(small), readerCost(small)] }
    }
    if wanted("P4") || wanted("P12") {
      let large = try TreeWorkload(ranges: 1_000_000)
      if wanted("P4") { verdicts.append(lookUp("P4", large, limit: 0.45)) }
      if wanted("P12") { verdicts.append(memory(large)) }
    }
    return verdicts
  }

  /// Look-ups of random pages while a writer publishes, over branchless binary search in an array.
  private static func lookUp(_ target: String, _ workload: TreeWorkload, limit: Double) -> Verdict {
    let writer = BackgroundWriter(workload, changesPerSecond: changesPerSecond)
    let comparison = Comparison(
      operations: TreeWorkload.queryCount, ours: workload.lookUps, reference: workload.binarySearch)
    let rate = writer.finish()
    let alone = Comparison(
      rounds: 41, operations: TreeWorkload.queryCount, ours: workload.lookUps, reference: workload.binarySearch)
    let best = Comparison(
      rounds: 41, operations: TreeWorkload.queryCount, ours: workload.staticTree, reference: workload.binarySearch)
    return Verdict(
      target: target, figure: comparison.ratio.value, limit: limit,
      explanation: """
        look-up \(comparison.ours.value.fixed(1)) ns over binary search \(comparison.reference.value.fixed(1)) ns, \
        \(workload.ranges) ranges, uniform, \((rate / 1000).fixed(1)) k changes/s; ratio \(comparison.ratio.text()), \
        \(alone.ratio.text()) without the writer; a static read-only S-tree in C (SSE2) has \(best.ratio.text())
        """)
  }

  /// What one change costs whoever looks up meanwhile: lines that the writer has taken.
  private static func readerCost(_ workload: TreeWorkload) -> Verdict {
    func lookUps() -> Median {
      Median(
        (0..<61).map { _ in
          let start = nanoseconds()
          _ = workload.lookUps()
          return (nanoseconds() - start) / Double(TreeWorkload.queryCount)
        })
    }
    let alone = lookUps()
    let writer = BackgroundWriter(workload)
    let beside = lookUps()
    let rate = writer.finish()
    let microseconds = (beside.value - alone.value) / beside.value / rate * 1e6
    return Verdict(
      target: "P11", figure: microseconds, limit: 0.5,
      explanation: """
        us that a change costs a reader: a look-up takes \(beside.text(1)) ns beside \((rate / 1000).fixed(0)) k changes/s, \
        \(alone.text(1)) ns alone
        """)
  }

  /// What acquiring the base pointer and being quiescent add to a look-up.
  private static func readSide(_ workload: TreeWorkload) -> Verdict {
    let comparison = Comparison(
      operations: TreeWorkload.queryCount, ours: workload.lookUpsEachQuiescent,
      reference: workload.lookUpsFromOneBase)
    return Verdict(
      target: "P5", figure: comparison.difference.value, limit: 1,
      explanation: """
        ns added by acquiring the base pointer and being quiescent at every look-up \
        (\(comparison.ours.value.fixed(1)) ns over \(comparison.reference.value.fixed(1)) ns), \
        \(comparison.difference.text())
        """)
  }

  /// The time of one change, from the request to the published base pointer.
  private static func publication(_ workload: TreeWorkload) throws -> Verdict {
    var random = SplitMix64(seed: 11)
    var store = DirectStore(workload.memory)
    let writer = workload.writer
    var microseconds: [Double] = []
    let changes = 400
    for _ in 0..<61 {
      let picks = (0..<changes / 2).map { _ in workload.mappings.randomElement(using: &random) }
      let start = nanoseconds()
      for case let mapping? in picks {
        try writer.remove(mapping.range, region: nil, through: &store)
        try writer.insert(mapping.range, actions: .count, region: mapping.region, through: &store)
      }
      microseconds.append((nanoseconds() - start) / Double(changes) / 1000)
    }
    let median = Median(microseconds)
    return Verdict(
      target: "P11", figure: median.value, limit: 3,
      explanation: "us to publish one change at \(workload.ranges) ranges, \(median.text())")
  }

  /// Bytes of node pages a range.
  private static func memory(_ workload: TreeWorkload) -> Verdict {
    let nodes = workload.writer.counters.nodes
    let bytes = Double(nodes) * 4096 / Double(workload.ranges)
    return Verdict(
      target: "P12", figure: bytes, limit: 24,
      explanation: "bytes of node pages a range, \(nodes) nodes for \(workload.ranges) ranges, built in one change")
  }
}
