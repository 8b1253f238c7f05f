import SeededRandom
import Addresses
import Glibc
import Measuring
import MonitorTree
import Synchronization

/// A thread that publishes one change after another, or as many a second as it is asked for: it lets ranges of a workload
/// alternate between two actions, so that which pages are monitored never changes.
final class BackgroundWriter: @unchecked Sendable {
  private let workload: TreeWorkload
  private let stop = Atomic(false)
  private let published = Atomic(0)
  private var thread = pthread_t()
  private let started = nanoseconds()
  /// Nanoseconds between two changes.
  private let interval: Double

  init(_ workload: TreeWorkload, changesPerSecond: Double = .infinity) {
    self.workload = workload
    interval = 1e9 / changesPerSecond
    let context = Unmanaged.passRetained(self).toOpaque()
    let body: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { context in
      guard let context else { return nil }
      Unmanaged<BackgroundWriter>.fromOpaque(context).takeRetainedValue().run()
      return nil
    }
    precondition(pthread_create(&thread, nil, body, context) == 0, "no thread for the writer")
  }

  private func run() {
    var random = SplitMix64(seed: 1)
    var store = DirectStore(workload.memory)
    var next = started
    while !stop.load(ordering: .relaxed) {
      next += interval
      let wait = next - nanoseconds()
      if interval > 0, wait > 0 { usleep(UInt32(wait / 1000)) }
      let mapping = workload.mappings[Int.random(in: 0..<workload.mappings.count, using: &random)]
      let actions: AlertActions = Bool.random(using: &random) ? .count : .notify
      do {
        try workload.writer.setActions(mapping.range, actions: actions, region: nil, through: &store)
        published.wrappingAdd(1, ordering: .relaxed)
      } catch TreeError.outOfPages {
        // The reader has not been quiescent for long: the host runs other threads. Try again.
      } catch { fatalError("the writer failed: \(error)") }
    }
  }

  /// Ends the thread; returns how many changes a second it published.
  func finish() -> Double {
    stop.store(true, ordering: .relaxed)
    pthread_join(thread, nil)
    return Double(published.load(ordering: .relaxed)) / (nanoseconds() - started) * 1e9
  }
}
