/// What a run assumes of everything that no recording tells and that latency depends on.
public struct LatencySetting: Equatable, Sendable {
  /// Who takes the alerts.
  public var consumer: Consumer
  /// How fast the guest goes.
  public var pace: GuestPace
  /// Exits a second of each vCPU's own time that have nothing to do with the monitor.
  public var exitsPerSecond: Double
  /// What everything drawn is drawn from.
  public var seed: UInt64

  /// A setting from its parts.
  public init(consumer: Consumer, pace: GuestPace = .assumed, exitsPerSecond: Double = 0, seed: UInt64 = 1) {
    (self.consumer, self.pace, self.exitsPerSecond, self.seed) = (consumer, pace, exitsPerSecond, seed)
  }
}
