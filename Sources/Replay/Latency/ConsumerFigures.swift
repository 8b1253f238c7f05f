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
