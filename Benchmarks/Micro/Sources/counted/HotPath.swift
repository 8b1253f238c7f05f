import Workloads

/// The paths whose instructions are counted.
enum HotPath: String, CaseIterable {
  case walk = "ept-walk"
  case linearWalk = "two-dimensional-walk"
  case lookUp = "tree-look-up"
  case notification

  /// How many operations one run of a path makes.
  static let operations = 256

  /// Runs the path; returns the sum of what it found, so that nothing is left out.
  func run(_ times: Int) -> UInt64 {
    switch self {
    case .walk: return repeated(times, WalkWorkload(distinct: 64, accesses: Self.operations).walks)
    case .linearWalk: return repeated(times, WalkWorkload(distinct: 64, accesses: Self.operations).linearWalks)
    case .lookUp: return repeated(times) { [workload = NotificationWorkload()] in workload.lookUp(0..<Self.operations) }
    case .notification:
      return repeated(times) { [workload = NotificationWorkload()] in workload.notify(0..<Self.operations) }
    }
  }

  private func repeated(_ times: Int, _ run: () -> UInt64) -> UInt64 {
    var sum: UInt64 = 0
    for _ in 0..<times { sum &+= run() }
    return sum
  }
}
