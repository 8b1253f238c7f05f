/// Host seconds of work that is partly shared and partly done for one of several: each is told the shared part and its own,
/// which is what it would take alone.
struct Stopwatch {
  private let clock = ContinuousClock()
  private var last: ContinuousClock.Instant?
  private var shared = Duration.zero
  private var own: [Duration]

  /// Starts; one that is not to run never reads a clock.
  init(laps: Int, isRunning: Bool) {
    own = Array(repeating: .zero, count: laps)
    last = isRunning ? clock.now : nil
  }

  /// What has passed since the last split was shared, or done for one.
  mutating func split(lap: Int? = nil) {
    guard let last else { return }
    let now = clock.now
    if let lap { own[lap] += now - last } else { shared += now - last }
    self.last = now
  }

  /// The shared seconds and one's own; nil if no clock was read.
  func seconds(lap: Int) -> Double? { last == nil ? nil : (shared + own[lap]) / .seconds(1) }
}
