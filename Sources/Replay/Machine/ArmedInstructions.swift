import Recordings

/// When each vCPU was when protection began, in its own instructions: what came before no strategy is paid for.
struct ArmedInstructions {
  /// By vCPU; nil where it is not known yet.
  private var starts: [UInt64?]
  /// Nothing has been protected so far.
  private(set) var isWaiting = true

  init(vcpus: Int) { starts = Array(repeating: nil, count: vcpus) }

  /// The first pages are protected, at a time of the vCPU that asks; before any store, every vCPU is at its beginning.
  mutating func begin(on vcpu: Int, at instructions: UInt64, isBeforeEveryStore: Bool) {
    guard isWaiting else { return }
    isWaiting = false
    if isBeforeEveryStore { starts = starts.map { _ in 0 } }
    if starts.indices.contains(vcpu) { starts[vcpu] = instructions }
  }

  /// Other vCPUs were at most at their next run, which is looked for in the runs from `first` on.
  mutating func look(in cursor: BlockCursor, from first: Int) throws {
    guard !isWaiting, starts.contains(nil) else { return }
    for index in first..<max(first, cursor.runs.count) {
      let vcpu = cursor.runs[index].vcpu
      guard starts.indices.contains(vcpu), starts[vcpu] == nil else { continue }
      starts[vcpu] = try cursor.clock(ofRun: index)
      if !starts.contains(nil) { return }
    }
  }

  /// Instructions retired since, of so many in all by vCPU.
  func count(of totals: [UInt64]) -> UInt64 {
    guard !isWaiting else { return 0 }
    return zip(starts, totals).reduce(0) { sum, each in
      let (start, total) = (each.0 ?? each.1, each.1)
      return sum + (total > start ? total - start : 0)
    }
  }
}
