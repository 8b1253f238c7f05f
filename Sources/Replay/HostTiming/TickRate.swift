import CHost

/// How fast the time-stamp counter ticks, held against the system's clock over as long as something else takes.
struct TickRate {
  private static let clock = ContinuousClock()
  private let start = (time: Self.clock.now, ticks: chost_ticks())

  /// Nanoseconds a tick, over two milliseconds at least.
  var nanosecondsPerTick: Double {
    while true {
      let elapsed = start.time.duration(to: Self.clock.now) / .nanoseconds(1)
      let ticks = chost_ticks() &- start.ticks
      if elapsed >= 2_000_000, ticks > 0 { return elapsed / Double(ticks) }
    }
  }
}
