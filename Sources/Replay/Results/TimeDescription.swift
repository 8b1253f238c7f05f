/// What latency was computed from besides counts and costs: assumptions, all of them named with the result.
public struct TimeDescription: Codable, Equatable, Sendable {
  /// Cycles an instruction of the guest while nobody stops it.
  public var cyclesPerInstruction: Bracket
  /// Cycles a microsecond.
  public var frequencyMHz: Double
  /// Exits a second of each vCPU's own time that have nothing to do with the monitor; no recording holds any.
  public var exitsPerSecond: Double
  /// What everything drawn is drawn from.
  public var seed: UInt64
  /// Whether vCPUs that fault at once are shown to wait for each other: by no recording, whose vCPUs take turns.
  public var contention: String

  enum CodingKeys: String, CodingKey {
    case seed, contention
    case cyclesPerInstruction = "cpi"
    case frequencyMHz = "frequency_mhz"
    case exitsPerSecond = "exits_per_second"
  }

  init(cyclesPerInstruction: Bracket, frequencyMHz: Double, exitsPerSecond: Double, seed: UInt64) {
    self.cyclesPerInstruction = cyclesPerInstruction
    (self.frequencyMHz, self.exitsPerSecond, self.seed) = (frequencyMHz, exitsPerSecond, seed)
    contention = "not shown"
  }

  init(_ setting: LatencySetting, _ costs: LatencyCosts) {
    self.init(
      cyclesPerInstruction: setting.pace.cyclesPerInstruction, frequencyMHz: costs.frequencyMHz,
      exitsPerSecond: setting.exitsPerSecond, seed: setting.seed)
  }
}
