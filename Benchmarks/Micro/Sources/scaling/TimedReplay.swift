import Measuring
import Replay

/// What replays of one recording took, the same work several times.
struct TimedReplay {
  /// Nanoseconds after which no further round begins.
  private static let enough = 1.5e9

  /// Nanoseconds of a processor, on the thread that replays.
  private(set) var processor: [Double] = []
  /// Nanoseconds from start to end.
  private(set) var wall: [Double] = []
  /// What the last of the strategies counted.
  private(set) var counts: [String: UInt64] = [:]

  init(
    _ path: String, strategies: [Strategy], profile: CycleProfile, threads: Int = 1, rounds: Int
  ) throws {
    let request = ReplayRequest(
      tracePath: path, strategies: strategies, profile: profile, countersOnly: true, threads: threads)
    for _ in 0..<rounds {
      if processor.reduce(0, +) > Self.enough { break }
      let (start, startWall) = (processorNanoseconds(), nanoseconds())
      let result = try replay(request)
      processor.append(processorNanoseconds() - start)
      wall.append(nanoseconds() - startWall)
      counts = result.strategies.last?.counts ?? [:]
    }
  }

  /// An embedded profile, which is there.
  static func profile(_ name: String) throws -> CycleProfile {
    guard let profile = try ProfileLibrary.profile(named: name) else {
      throw ReplayError("profile \(name): not embedded; one of \(ProfileLibrary.names.joined(separator: ", "))")
    }
    return profile
  }
}
