import CHost
import Glibc
import GuestIntegrity
import Measuring
import Synchronization
import Workloads

/// P9 and P10: from an EPT violation to the alert that reports it.
enum NotificationRatios {
  static func verdicts(_ wanted: (String) -> Bool) -> [Verdict] {
    var verdicts: [Verdict] = []
    guard wanted("P9") || wanted("P10") else { return [] }
    let workload = NotificationWorkload()
    if wanted("P9") { verdicts += sameThread(workload) }
    if wanted("P10") { verdicts.append(otherCore(workload)) }
    return verdicts
  }

  /// Batches of 32, so that reading the clock hides nothing; the percentiles are over batches.
  private static func sameThread(_ workload: NotificationWorkload) -> [Verdict] {
    let batch = 32
    var times: [Double] = []
    for _ in 0..<100 {
      for start in stride(from: 0, to: workload.refused.count, by: batch) {
        let before = nanoseconds()
        let sum = workload.notify(start..<start + batch)
        times.append((nanoseconds() - before) / Double(batch))
        precondition(sum != 0)
      }
    }
    let sorted = times.dropFirst(times.count / 10).sorted()
    func percentile(_ p: Double) -> Double { sorted[Int(p * Double(sorted.count - 1))] }
    let what =
      "ns from the violation to the alert taken from the ring, same thread, \(sorted.count) batches of \(batch)"
    return [
      Verdict(target: "P9", figure: percentile(0.5), limit: 50, explanation: "\(what), p50"),
      Verdict(target: "P9", figure: percentile(0.99), limit: 200, explanation: "\(what), p99"),
    ]
  }

  /// One alert at a time: the store's time is the tick at which its violation is handed over, and the consumer reads the
  /// clock when it has the alert.
  private static func otherCore(_ workload: NotificationWorkload) -> Verdict {
    let consumer = PinnedConsumer(workload.ring, processor: 1)
    _ = chost_pin(0)
    let (startTicks, startTime) = (chost_ticks(), nanoseconds())
    let count = 50_000
    for index in 0..<count {
      var (store, violation) = workload.refused[index % workload.refused.count]
      consumer.awaitTaken(index)
      // Let the consumer come to rest in its look-out for the next event.
      let pause = chost_ticks() + 1500
      while chost_ticks() < pause {}
      store.time = chost_ticks()
      _ = workload.hypervisor.handle(store, violation: violation)
    }
    consumer.awaitTaken(count)
    let tick = (nanoseconds() - startTime) / Double(chost_ticks() - startTicks)
    let latencies = consumer.finish().map { Double($0) * tick }.sorted()
    func percentile(_ p: Double) -> Double { latencies[Int(p * Double(latencies.count - 1))] }
    return Verdict(
      target: "P10", figure: percentile(0.5), limit: 150,
      explanation: """
        ns from the violation to the alert in the hands of a consumer on another core, p50 of \(latencies.count); \
        p90 \(percentile(0.9).fixed(0)), p99 \(percentile(0.99).fixed(0)); reading the clock included
        """)
  }
}

/// A thread on a processor of its own that takes alerts and notes how old they are.
private final class PinnedConsumer: @unchecked Sendable {
  private let ring: AlertRing
  private let processor: UInt32
  private let taken = Atomic(0)
  private let stop = Atomic(false)
  private var ages: [UInt64] = []
  private var thread = pthread_t()

  init(_ ring: AlertRing, processor: UInt32) {
    self.ring = ring
    self.processor = processor
    ages.reserveCapacity(1 << 17)
    let context = Unmanaged.passRetained(self).toOpaque()
    let body: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { context in
      guard let context else { return nil }
      Unmanaged<PinnedConsumer>.fromOpaque(context).takeRetainedValue().run()
      return nil
    }
    precondition(pthread_create(&thread, nil, body, context) == 0, "no thread for the consumer")
  }

  private func run() {
    _ = chost_pin(processor)
    while !stop.load(ordering: .relaxed) {
      guard let event = ring.next() else { continue }
      ages.append(chost_ticks() &- event.time)
      taken.store(ages.count, ordering: .releasing)
    }
  }

  /// Waits until so many alerts have been taken.
  func awaitTaken(_ count: Int) {
    while taken.load(ordering: .acquiring) < count {}
  }

  /// Ends the thread; returns the ages of the alerts, in ticks.
  func finish() -> [UInt64] {
    stop.store(true, ordering: .relaxed)
    pthread_join(thread, nil)
    return ages
  }
}
