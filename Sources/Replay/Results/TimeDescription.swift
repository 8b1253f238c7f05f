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

/// Who took the alerts of a strategy, and what became of those that found no room.
public struct ConsumerFigures: Codable, Equatable, Sendable {
  /// The consumer's name.
  public var name: String
  /// Slots of the ring.
  public var ring: Int
  /// Nanoseconds from turning to an alert to having it in hand.
  public var serviceNanoseconds: Bracket
  /// Median of what it takes to wake the consumer, in nanoseconds; absent of one that does not sleep.
  public var wakeNanoseconds: Double?
  /// The 99th percentile of the same.
  public var wakeP99Nanoseconds: Double?
  /// What becomes of an alert that finds the ring full.
  public var full: Consumer.WhenFull
  /// Alerts lost.
  public var lost: Bracket
  /// Cycles that vCPUs waited for room.
  public var parkedCycles: Bracket

  enum CodingKeys: String, CodingKey {
    case name, ring, full, lost
    case serviceNanoseconds = "service_ns"
    case wakeNanoseconds = "wake_p50_ns"
    case wakeP99Nanoseconds = "wake_p99_ns"
    case parkedCycles = "parked_cycles"
  }

  init(_ consumer: Consumer, lost: Bracket, parked: Bracket) {
    (name, ring, full) = (consumer.name, consumer.slots, consumer.whenFull)
    switch consumer.service {
    case .constant(let bracket): serviceNanoseconds = bracket
    case .waking(let p50, let p99, let awake):
      (serviceNanoseconds, wakeNanoseconds, wakeP99Nanoseconds) = (awake, p50, p99)
    }
    (self.lost, parkedCycles) = (lost, parked)
  }
}
