import CHost
import GuestIntegrity
import Glibc
import Synchronization

/// A thread on a processor of its own that takes alerts from a ring and notes how old each is.
final class AlertConsumer: @unchecked Sendable {
  private let ring: AlertRing
  private let processor: UInt32
  private let taken = Atomic(0)
  private let isStopped = Atomic(false)
  private var ages: [UInt64] = []
  private var thread = pthread_t()

  /// A consumer at work; nil if there can be no thread.
  init?(_ ring: AlertRing, processor: UInt32) {
    self.ring = ring
    self.processor = processor
    ages.reserveCapacity(1 << 16)
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
    _ = chost_pin(processor)
    while !isStopped.load(ordering: .relaxed) {
      guard let event = ring.next() else { continue }
      ages.append(chost_ordered_ticks() &- event.time)
      taken.store(ages.count, ordering: .releasing)
    }
  }

  /// Waits until so many alerts have been taken.
  func awaitTaken(_ count: Int) {
    while taken.load(ordering: .acquiring) < count {}
  }

  /// Ends the thread; the ages of the alerts, in ticks.
  func finish() -> [UInt64] {
    isStopped.store(true, ordering: .relaxed)
    pthread_join(thread, nil)
    return ages
  }
}

/// The processor that measures, and one of another core.
struct ProcessorPair {
  /// The first that this process may run on.
  let first: UInt32
  /// One that shares no core with it; one that does if there is no other; nil if there is none.
  let other: UInt32?

  init() {
    let allowed = (0..<1024).filter { chost_may_run_on($0) != 0 }
    let first = allowed.first ?? 0
    let siblings = Self.siblings(of: first)
    self.first = first
    other = allowed.first { $0 != first && Self.siblings(of: $0) != siblings } ?? allowed.first { $0 != first }
  }

  /// The processors of a core as the kernel lists them; the processor's own number if it does not.
  private static func siblings(of processor: UInt32) -> String {
    let file = fopen("/sys/devices/system/cpu/cpu\(processor)/topology/thread_siblings_list", "r")
    guard let file else { return String(processor) }
    defer { fclose(file) }
    var line = [CChar](repeating: 0, count: 128)
    return fgets(&line, Int32(line.count), file).map { String(cString: $0) } ?? String(processor)
  }
}
