import CHost
import Measuring
import MonitorTree
import References

/// P3c: one look-up with no line of tree and arrays cached, as after the tens of thousands of stores between two notifications of a guest; over one
/// binary search, as cold.
struct ColdLookUps {
  private static let rounds = 401
  let workload: TreeWorkload

  var verdict: Verdict {
    var ours: [Double] = []
    var reference: [Double] = []
    for round in 0..<Self.rounds {
      let query = workload.queries[round]
      ours.append(ticks { workload.lookUp(query) })
      reference.append(ticks { workload.binarySearch(query) })
    }
    let nothing = Median((0..<Self.rounds).map { _ in ticks { 0 } }).value
    let perNanosecond = Self.ticksPerNanosecond()
    let ratio = Median(zip(ours, reference).map { ($0 - nothing) / max($1 - nothing, 1) })
    func text(_ ticks: [Double]) -> String { ((Median(ticks).value - nothing) / perNanosecond).fixed(0) }
    return Verdict(
      target: "P3c", figure: ratio.value, limit: 0.25,
      explanation: """
        one look-up with every line of tree and arrays gone from the caches, \(text(ours)) ns over binary search \(text(reference)) ns, \
        \(workload.ranges) ranges; ratio \(ratio.text())
        """)
  }

  private func ticks(_ operation: () -> UInt64) -> Double {
    workload.flush()
    let start = chost_ordered_ticks()
    let found = operation()
    let end = chost_ordered_ticks()
    precondition(found <= 1)
    return Double(end - start)
  }

  private static func ticksPerNanosecond() -> Double {
    let (ticks, start) = (chost_ticks(), nanoseconds())
    while nanoseconds() - start < 2e7 {}
    return Double(chost_ticks() - ticks) / (nanoseconds() - start)
  }
}
