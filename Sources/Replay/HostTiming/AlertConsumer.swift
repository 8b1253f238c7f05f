import CHost
import Glibc
import GuestIntegrity
import Synchronization

/// A thread that takes alerts from rings as soon as they are there, and tells how old each is: by ``AlertEvent/time``, for
/// alerts whose time was read from the same counter.
package final class AlertConsumer: @unchecked Sendable {
  private let rings: [AlertRing]
  private let processor: UInt32?
  /// Told of each alert, on the thread: which ring's, and its age in ticks.
  private let told: @Sendable (_ ring: Int, _ event: AlertEvent, _ age: UInt64) -> Void
  private let taken = Atomic(0)
  private let isStopped = Atomic(false)
  private var thread = pthread_t()

  /// A consumer at work, on a processor of its own where one is named; nil if there can be no thread.
  package init?(
    _ rings: [AlertRing], processor: UInt32? = nil,
    _ told: @escaping @Sendable (_ ring: Int, _ event: AlertEvent, _ age: UInt64) -> Void
  ) {
    self.rings = rings
    self.processor = processor
    self.told = told
    let context = Unmanaged.passRetained(self)
    let body: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { context in
      if let context { Unmanaged<AlertConsumer>.fromOpaque(context).takeRetainedValue().run() }
      return nil
    }
    guard pthread_create(&thread, nil, body, context.toOpaque()) == 0 else {
      context.release()
      return nil
    }
  }

  private func run() {
    if let processor { _ = chost_pin(processor) }
    while true {
      // Read before the rings, so that what was posted before the end is taken.
      let isLast = isStopped.load(ordering: .acquiring)
      var count = 0
      for (index, ring) in rings.enumerated() {
        while let event = ring.next() {
          told(index, event, chost_ordered_ticks() &- event.time)
          count += 1
        }
      }
      if count > 0 { taken.add(count, ordering: .releasing) }
      if isLast { return }
    }
  }

  /// Waits until so many events have been taken.
  package func awaitTaken(_ count: Int) {
    while taken.load(ordering: .acquiring) < count {}
  }

  /// Takes what there is, and ends the thread; after that everything has been told.
  package func finish() {
    isStopped.store(true, ordering: .releasing)
    pthread_join(thread, nil)
  }
}
