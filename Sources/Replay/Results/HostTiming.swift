import GuestIntegrity
import Histogram

/// Host nanoseconds of our own path: the tree look-up, and a refused store up to its alert taken from the ring.
///
/// Measured after the replay, on the stores it notified, in batches: a single look-up is shorter than reading the clock.
struct HostTiming {
  private static let batch = 64
  private static let rounds = 512

  let lookup: HostPercentiles
  let alert: HostPercentiles

  init(_ hypervisor: Hypervisor<ModelledProcessors>, samples: [RefusedStore]) {
    guard !samples.isEmpty else {
      lookup = HostPercentiles(p50: 0, p99: 0)
      alert = lookup
      return
    }
    let tree = hypervisor.tree
    lookup = Self.percentiles(of: samples) { _ = tree.find($0.store.address.page) }
    alert = Self.percentiles(of: samples) { refused in
      _ = hypervisor.handle(refused.store, violation: refused.violation)
      _ = hypervisor.alerts(of: refused.store.vcpu).next()
    }
  }

  /// The distribution over batches of the mean time of one call, in nanoseconds.
  private static func percentiles(of samples: [RefusedStore], _ body: (RefusedStore) -> Void) -> HostPercentiles {
    var histogram = Histogram<UInt64>(highestTrackableValue: 1 << 30, numberOfSignificantValueDigits: .three)
    let clock = ContinuousClock()
    var next = 0
    for _ in 0..<rounds {
      let start = clock.now
      for _ in 0..<batch {
        body(samples[next])
        next = next + 1 == samples.count ? 0 : next + 1
      }
      let elapsed = start.duration(to: clock.now).components
      // Tenths of a nanosecond a call.
      histogram.record(UInt64(elapsed.attoseconds / 1_000_000_000 * 10 / Int64(batch)))
    }
    return HostPercentiles(
      p50: Double(histogram.valueAtPercentile(50)) / 10, p99: Double(histogram.valueAtPercentile(99)) / 10)
  }
}
