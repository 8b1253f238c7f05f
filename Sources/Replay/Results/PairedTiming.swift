import SeededRandom

/// Times a subject and a reference, in an order drawn anew each round: whatever drifts, drifts for both.
struct PairedTiming {
  private let clock = ContinuousClock()
  private var random = SplitMix64(seed: 0x6761_7465)

  /// One round, in nanoseconds; each closure does a batch of calls, long enough for the clock not to matter.
  mutating func round(subject: () -> Void, reference: () -> Void) -> (subject: Double, reference: Double) {
    func time(_ body: () -> Void) -> Double {
      let start = clock.now
      body()
      return (clock.now - start) / .nanoseconds(1)
    }
    if Bool.random(using: &random) { return (time(subject), time(reference)) }
    let reference = time(reference)
    return (time(subject), reference)
  }
}
