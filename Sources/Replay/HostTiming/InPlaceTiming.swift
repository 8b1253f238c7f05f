import CHost
import Glibc
import GuestIntegrity
import Histogram

/// Host time of a strategy's notifications where they happen in the replay: from the refused store to the alert in the ring,
/// and to the hand of a consumer on a thread of its own.
///
/// The caller reads the time-stamp counter before and after; nothing in between does. Beside it stands the loop over the
/// same stores (``HostTiming``), which finds everything in the nearest cache.
final class InPlaceTiming {
  private(set) var raised = InPlaceTiming.histogram()
  /// One of each two, now the first and now the second: their medians differ by noise alone.
  private var halves = [InPlaceTiming.histogram(), InPlaceTiming.histogram()]
  private var count = 0

  static func histogram() -> Histogram<UInt64> { Histogram(numberOfSignificantValueDigits: .three) }

  /// Has a store judged, and notes how long that took if an alert came of it.
  @inline(__always)
  func time(_ store: Store, _ judge: (Store) -> Verdict) -> Verdict {
    var store = store
    let start = chost_ordered_ticks()
    store.time = start
    let verdict = judge(store)
    let ticks = chost_ordered_ticks() &- start
    if verdict.isAlert { note(ticks) }
    return verdict
  }

  private func note(_ ticks: UInt64) {
    raised.record(ticks)
    halves[(count ^ count >> 1) & 1].record(ticks)
    count += 1
  }

  /// The median of one half over that of the other; nil where nothing was timed.
  var control: Double? {
    let medians = halves.map { Double($0.valueAtPercentile(50)) }
    return count > 1 && medians[0] > 0 ? medians[1] / medians[0] : nil
  }

  /// Median ticks between two readings with nothing in between.
  static let timer: UInt64 = {
    var histogram = InPlaceTiming.histogram()
    for _ in 0..<10_000 {
      let start = chost_ordered_ticks()
      histogram.record(chost_ordered_ticks() &- start)
    }
    return histogram.valueAtPercentile(50)
  }()
}

/// The consumer of all strategies' alerts in a replay, on a thread of its own.
final class InPlaceConsumer {
  private let thread: AlertConsumer
  private let rings: [[AlertRing]]
  private let ages: Ages
  /// So many alerts may wait in a ring before the replay waits for the consumer: none is ever lost to it.
  private let mostWaiting: Int

  /// Ages by strategy; of the consumer's thread until that has ended.
  private final class Ages: @unchecked Sendable {
    var histograms: [Histogram<UInt64>]
    let strategies: [Int]

    init(strategies: [Int], count: Int) {
      self.strategies = strategies
      histograms = (0..<count).map { _ in InPlaceTiming.histogram() }
    }
  }

  /// A consumer of rings, by strategy and vCPU; nil where there is one processor only, or there can be no thread.
  init?(_ rings: [[AlertRing]]) {
    guard (0..<1024).lazy.filter({ chost_may_run_on($0) != 0 }).prefix(2).count == 2 else { return nil }
    self.rings = rings
    mostWaiting = (rings.joined().map(\.capacity).min() ?? 2) / 2
    let ages = Ages(
      strategies: rings.indices.flatMap { strategy in rings[strategy].map { _ in strategy } }, count: rings.count)
    self.ages = ages
    let thread = AlertConsumer(Array(rings.joined())) { ring, event, age in
      // Events that no refused store of the replay raised have no time of this counter.
      switch event.cause {
      case .protectedPage, .treePage, .giCode, .giData, .corruptTree:
        if !event.flags.contains(.late) { ages.histograms[ages.strategies[ring]].record(age) }
      case .hypercall, .entry, .integrityFault, .mapping, .silence, .eventsLost: break
      }
    }
    guard let thread else { return nil }
    self.thread = thread
  }

  /// Waits while the ring of a vCPU has little room.
  func awaitRoom(in ring: AlertRing) {
    while ring.waiting > mostWaiting { sched_yield() }
  }

  /// Ends the thread; ages in ticks, by strategy.
  func finish() -> [Histogram<UInt64>] {
    thread.finish()
    return ages.histograms
  }
}
