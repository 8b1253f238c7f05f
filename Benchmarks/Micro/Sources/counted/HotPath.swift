import Replay
import Workloads
import Recordings

/// The paths whose instructions are counted.
enum HotPath: String, CaseIterable {
  case walk = "ept-walk"
  case linearWalk = "two-dimensional-walk"
  case lookUp = "tree-look-up"
  case notification
  case replayedWrite = "replayed-write"
  /// Under every built-in strategy at once.
  case replayedByAll = "replayed-by-all"

  /// How many operations one run of the path makes.
  func operations() throws -> Int {
    switch self {
    case .replayedWrite, .replayedByAll: Int(try RecordingReader(path: Self.trace).header.totals.writes)
    case .walk, .linearWalk, .lookUp, .notification: Self.batch
    }
  }

  /// Runs the path; returns the sum of what it found, so that nothing is left out.
  func run(_ times: Int) throws -> UInt64 {
    switch self {
    case .walk:
      let workload = WalkWorkload(distinct: 64, accesses: Self.batch)
      return repeated(times, workload.walks)
    case .linearWalk:
      let workload = WalkWorkload(distinct: 64, accesses: Self.batch)
      return repeated(times, workload.linearWalks)
    case .lookUp:
      let workload = NotificationWorkload()
      return repeated(times) { workload.lookUp(0..<Self.batch) }
    case .notification:
      let workload = NotificationWorkload()
      return repeated(times) { workload.notify(0..<Self.batch) }
    case .replayedWrite:
      return try repeated(times) { try Self.replayTrace([.eptpExit]) }
    case .replayedByAll:
      return try repeated(times) { try Self.replayTrace(Strategy.all) }
    }
  }

  private static let batch = 256
  /// A cut of the recorded boot.
  private static let trace = "traces/quick.trace"

  @inline(never)
  private static func replayTrace(_ strategies: [Strategy]) throws -> UInt64 {
    guard let profile = try ProfileLibrary.profile(named: ProfileLibrary.defaultName) else { return 0 }
    let request = ReplayRequest(tracePath: trace, strategies: strategies, profile: profile, countersOnly: true)
    return UInt64(try replay(request).strategies.count)
  }

  private func repeated(_ times: Int, _ run: () throws -> UInt64) rethrows -> UInt64 {
    var sum: UInt64 = 0
    for _ in 0..<times { sum &+= try run() }
    return sum
  }
}
