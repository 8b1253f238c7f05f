import Measuring
import Replay
import SeededRandom
import Synchronization

/// P3r: the pages that eptp-exit is notified of in a recording, in their order, in a tree of 10 000 ranges: each page that the
/// recording notifies stands for a page of a range chosen at random once.
enum RecordedLookUps {
  private static let traces = ["boot", "pagetables", "modules"]

  static func verdicts(_ workload: TreeWorkload) throws -> [Verdict] {
    try traces.map { name in
      let sequence = try pages(notifiedIn: "traces/\(name).trace")
      let queries = queries(sequence, in: workload)
      let comparison = Comparison(
        operations: TreeWorkload.queryCount, ours: { workload.lookUps(of: queries) },
        reference: { workload.binarySearch(of: queries) })
      return Verdict(
        target: "P3r", figure: comparison.ratio.value, limit: name == "pagetables" ? 0.30 : 1,
        explanation: """
          look-up \(comparison.ours.value.fixed(1)) ns over binary search \(comparison.reference.value.fixed(1)) ns, the \
          \(sequence.count) notified pages of \(name), \(Set(sequence).count) distinct, in \(workload.ranges) ranges; ratio \
          \(comparison.ratio.text())
          """)
    }
  }

  private static func pages(notifiedIn path: String) throws -> [UInt64] {
    guard let profile = try ProfileLibrary.profile(named: ProfileLibrary.defaultName) else { return [] }
    let pages = Mutex<[UInt64]>([])
    var request = ReplayRequest(tracePath: path, strategies: [.eptpExit], profile: profile, countersOnly: true)
    request.notified = { notification in
      pages.withLock { $0.append(notification.address.page.rawValue) }
    }
    _ = try replay(request)
    return pages.withLock(\.self)
  }

  /// As many queries as others make, the sequence over and over.
  private static func queries(_ sequence: [UInt64], in workload: TreeWorkload) -> [UInt32] {
    var random = SplitMix64(seed: 3)
    var places: [UInt64: UInt32] = [:]
    let mapped = sequence.map { page in
      if let place = places[page] { return place }
      let range = workload.mappings.randomElement(using: &random)?.range
      let place = range.map { UInt32($0.first.rawValue + UInt64.random(in: 0..<$0.count, using: &random)) } ?? 0
      places[page] = place
      return place
    }
    return (0..<TreeWorkload.queryCount).map { mapped.isEmpty ? 0 : mapped[$0 % mapped.count] }
  }
}
