/// Host seconds of work that is partly shared and partly done for one of several laps: each is told the shared part and its
/// own, which is what it would take alone.
final class Stopwatch {
  private let clock = ContinuousClock()
  private var last: ContinuousClock.Instant?
  private var shared = Duration.zero
  private var own: [Duration]
  /// Whose time is running; nil for the shared part.
  private var lap: Int?

  /// Starts with the shared part; one that is not to run never reads a clock.
  init(laps: Int, isRunning: Bool) {
    own = Array(repeating: .zero, count: laps)
    last = isRunning ? clock.now : nil
  }

  /// From now on the time of a lap is running, or the shared part's.
  func run(lap next: Int?) {
    guard let last else { return }
    let now = clock.now
    if let lap { own[lap] += now - last } else { shared += now - last }
    self.last = now
    lap = next
  }

  /// Does what every lap needs, in whichever lap it is first needed.
  func share<Result, Failure>(_ body: () throws(Failure) -> Result) throws(Failure) -> Result {
    let interrupted = lap
    run(lap: nil)
    defer { run(lap: interrupted) }
    return try body()
  }

  /// The shared seconds; nil if no clock was read.
  var sharedSeconds: Double? { last == nil ? nil : shared / .seconds(1) }

  /// The shared seconds and one's own; nil if no clock was read.
  func seconds(lap: Int) -> Double? { last == nil ? nil : (shared + own[lap]) / .seconds(1) }
}
