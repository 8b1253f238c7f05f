import SeededRandom

/// Who takes alerts: one for all vCPUs, with a ring of so many slots, and a time for each alert.
public struct Consumer: Equatable, Sendable {
  /// What happens to an alert that finds every slot taken.
  public enum WhenFull: String, CaseIterable, Codable, Sendable {
    /// It is lost, and counted.
    case lose
    /// Its vCPU waits until a slot is free.
    case park
  }

  /// How long the consumer takes from turning to an alert to having it in hand, in nanoseconds.
  public enum Service: Equatable, Sendable {
    /// Always as long, within a bracket.
    case constant(Bracket)
    /// An alert that finds it asleep wakes it, log-normal through its median and its 99th percentile; one that finds it awake
    /// takes the bracket.
    case waking(p50: Double, p99: Double, awake: Bracket)
  }

  /// A name of ``HypervisorProfile/consumers``, or `custom`.
  public var name: String
  /// Slots of the ring.
  public var slots: Int
  /// How long each alert takes.
  public var service: Service
  /// What happens to an alert that finds the ring full.
  public var whenFull: WhenFull

  /// Most slots a ring can have.
  static let slotLimit = 1 << 20

  /// A consumer from its choices.
  public init(name: String, slots: Int, service: Service, whenFull: WhenFull) {
    (self.name, self.slots, self.service, self.whenFull) = (name, slots, service, whenFull)
  }
}
