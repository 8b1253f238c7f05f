import GuestIntegrity
import Histogram

/// Host nanoseconds of our own path: the tree look-up, and a refused store up to its alert taken from the ring.
///
/// Measured after the replay, on the stores it notified, in batches: a single look-up is shorter than reading the clock.
struct HostTiming {
  private static let batch = 64
  private static let rounds = 512
  private static let clock = ContinuousClock()

  /// What reading the clock takes: the floor of every single measurement, and of a batch together.
  let timer: Double
  /// Both are nil where no store was refused.
  let lookup: HostPercentiles?
  let alert: HostPercentiles?

  init(_ hypervisor: Hypervisor<ModelledProcessors>, samples: [RefusedStore]) {
    timer = Self.percentiles(batch: 1, of: 1) { _ in }.p50
    guard !samples.isEmpty else {
      (lookup, alert) = (nil, nil)
      return
    }
    let tree = hypervisor.tree
    lookup = Self.percentiles(of: samples.count) { _ = tree.find(samples[$0].store.address.page) }
    alert = Self.percentiles(of: samples.count) {
      let refused = samples[$0]
      _ = hypervisor.handle(refused.store, violation: refused.violation)
      _ = hypervisor.alerts(of: refused.store.vcpu).next()
    }
  }

  /// The distribution over batches of the mean time of one call, in nanoseconds. Two batches in turn do the same; of one of
  /// each two, now the first and now the second, over the other is the control.
  private static func percentiles(batch: Int = batch, of count: Int, _ body: (Int) -> Void) -> HostPercentiles {
    func histogram() -> Histogram<UInt64> {
      Histogram(highestTrackableValue: 1 << 30, numberOfSignificantValueDigits: .three)
    }
    var all = histogram()
    var halves = [histogram(), histogram()]
    for round in 0..<rounds {
      var sample = round / 2 * batch % count
      let start = clock.now
      for _ in 0..<batch {
        body(sample)
        sample = sample + 1 == count ? 0 : sample + 1
      }
      let elapsed = start.duration(to: clock.now).components
      // Tenths of a nanosecond a call.
      let time = UInt64(elapsed.attoseconds / 100_000_000 / Int64(batch))
      all.record(time)
      halves[(round ^ round >> 1) & 1].record(time)
    }
    let medians = halves.map { Double($0.valueAtPercentile(50)) }
    return HostPercentiles(
      p50: Double(all.valueAtPercentile(50)) / 10, p99: Double(all.valueAtPercentile(99)) / 10,
      control: medians[0] > 0 ? medians[1] / medians[0] : nil)
  }
}
