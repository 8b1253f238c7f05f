import Measuring
import Workloads

/// P1, P2 and P8: walks.
enum WalkRatios {
  static func verdicts(_ wanted: (String) -> Bool) -> [Verdict] {
    var verdicts: [Verdict] = []
    if wanted("P1") || wanted("P2") {
      let near = WalkWorkload(distinct: 256, accesses: 4096)
      if wanted("P1") {
        verdicts.append(walk("P1", "EPT walk", near, ours: near.walks, reference: near.referenceWalks))
      }
      if wanted("P2") {
        verdicts.append(
          walk("P2", "2-D walk of 24 references", near, ours: near.linearWalks, reference: near.referenceLinearWalks))
      }
    }
    if wanted("P8") { verdicts.append(misses()) }
    return verdicts
  }

  /// One kind of walk of tables that the host's caches hold, over the same walk in C.
  private static func walk(
    _ target: String, _ name: String, _ workload: WalkWorkload, ours: () -> UInt64, reference: () -> UInt64
  ) -> Verdict {
    let comparison = Comparison(operations: workload.gpas.count, ours: ours, reference: reference)
    return Verdict(
      target: target, figure: comparison.ratio.value, limit: 1,
      explanation: """
        \(name) \(comparison.ours.text()) ns over the same in C, unrolled by hand, \(comparison.reference.text()) ns; \
        ratio \(comparison.ratio.text())
        """)
  }

  /// Stores to random pages of 128 MiB, every one of them walked in two dimensions.
  private static func misses() -> Verdict {
    let far = WalkWorkload(distinct: Int(WalkWorkload.pages), accesses: 1 << 15)
    let comparison = Comparison(
      operations: far.gpas.count, ours: far.linearWalks, reference: far.referenceLinearWalks)
    return Verdict(
      target: "P8", figure: comparison.ours.value, limit: 40,
      explanation: """
        ns a store to random pages of 128 MiB, all walked in two dimensions: \
        \((1000 / comparison.ours.value).fixed(1)) M writes/s; the same in C \(comparison.reference.text()) ns
        """)
  }
}
