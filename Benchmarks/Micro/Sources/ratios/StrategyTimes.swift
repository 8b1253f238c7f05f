import Measuring
import Recordings
import References
import Replay

/// Processor seconds of replaying a recording from the start, in one thread, under one strategy and under several, beside those
/// of reading it alone and of a bare TLB loop in C over runs decoded beforehand; all in turn, round by round.
struct StrategyTimes {
  /// Those that P7 is about, however many there are by now.
  static let all: [Strategy] = [.toggle, .eptpExit, .vmfunc, .filter, .ve, .pml, .singleStep]

  private(set) var one: [Double] = []
  private(set) var every: [Double] = []
  private(set) var reading: [Double] = []
  private(set) var bare: [Double] = []

  /// The time of all over that of one, round by round.
  var sharing: Median { Median(zip(every, one).map { $0 / $1 }) }

  init(of path: String, rounds: Int) throws {
    guard let profile = try ProfileLibrary.profile(named: ProfileLibrary.defaultName) else { return }
    let runs = try Self.runs(of: path)
    func seconds(_ work: () throws -> Void) rethrows -> Double {
      let start = processorNanoseconds()
      try work()
      return (processorNanoseconds() - start) / 1e9
    }
    func replayed(_ strategies: [Strategy]) throws -> Double {
      try seconds {
        _ = try replay(ReplayRequest(tracePath: path, strategies: strategies, profile: profile, countersOnly: true))
      }
    }
    for round in 0...rounds {
      let first = try replayed([.eptpExit])
      let second = try replayed(Self.all)
      let third = try seconds { _ = try Self.runs(of: path, isKept: false) }
      let fourth = seconds {
        let misses = runs.withUnsafeBufferPointer { reference_two_level_tlb($0.baseAddress, $0.count) }
        precondition(misses > 0, "a recording without a TLB miss")
      }
      // The first round warms caches and page tables.
      guard round > 0 else { continue }
      one.append(first)
      every.append(second)
      reading.append(third)
      bare.append(fourth)
    }
  }

  /// Reads the runs of a recording, which are checked; none of them if they are not to be kept.
  private static func runs(of path: String, isKept: Bool = true) throws -> [UInt64] {
    let reader = try RecordingReader(path: path)
    let block = RecordingBlock()
    var runs: [UInt64] = []
    for number in reader.blocks.indices {
      try reader.read(block: number, columns: [.runs, .events], into: block)
      if isKept { runs += block.runs.map(\.rawValue) }
    }
    return runs
  }
}
