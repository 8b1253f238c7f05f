import Addresses
import Synchronization

/// A bounded queue of events from one vCPU's hypervisor context to one consumer on any thread.
///
/// Nobody waits: an event that finds the ring full is lost. No loss is silent: ``overflow`` counts them, and where events
/// are missing ``next()`` gives one event of cause ``AlertEvent/Cause/eventsLost`` that tells how many.
///
/// An event and the mark that says it is there share a 128-byte slot, so that a consumer on another core waits for as few
/// cache lines as can be.
public final class AlertRing: @unchecked Sendable {
  /// How many events fit.
  public let capacity: Int
  let poster: AlertPoster
  @usableFromInline let slots: RingSlots
  /// The consumer's line: the next position to take, and how many losses it has been told of.
  @usableFromInline let consumed: UnsafeMutablePointer<Atomic<UInt64>>
  private let reported: UnsafeMutablePointer<UInt64>

  /// A ring for at least `capacity` events (rounded up to a power of two, at most 2^20).
  public init(capacity: Int) {
    var rounded = 1
    while rounded < min(max(capacity, 1), 1 << 20) { rounded *= 2 }
    self.capacity = rounded
    slots = RingSlots(count: rounded)
    let line = slots.line(0)
    consumed = line.assumingMemoryBound(to: Atomic<UInt64>.self)
    reported = (line + 8).assumingMemoryBound(to: UInt64.self)
    poster = AlertPoster(slots, consumed: consumed)
  }

  deinit { slots.deallocate() }

  /// Adds an event; false if the ring was full and the event is lost. One producer at a time.
  @discardableResult
  public func post(_ event: AlertEvent) -> Bool {
    guard let place = poster.place() else { return false }
    place.initialize(to: event)
    poster.publish()
    return true
  }

  /// Takes the oldest event, or the news that events were lost before it; nil if there is neither. One consumer at a time.
  @inlinable
  public func next() -> AlertEvent? {
    let position = consumed.pointee.load(ordering: .relaxed)
    let slot = slots.slot(of: position)
    guard slots.mark(slot).pointee.load(ordering: .acquiring) == position &+ 1 else { return nextAfterLoss(position) }
    let event = slots.event(slot).pointee
    consumed.pointee.store(position &+ 1, ordering: .releasing)
    return event
  }

  /// What there is where the slot holds no event, or one with losses before it.
  @usableFromInline @inline(never)
  func nextAfterLoss(_ position: UInt64) -> AlertEvent? {
    let slot = slots.slot(of: position)
    // Losses first, then the slot: every event posted before the losses counted here is seen below.
    let lost = overflow
    let mark = slots.mark(slot).pointee.load(ordering: .acquiring)
    let isPosted = mark & ~RingSlots.lossMark == position &+ 1
    let before = isPosted ? (mark & RingSlots.lossMark == 0 ? reported.pointee : slots.lostBefore(slot).pointee) : lost
    if before != reported.pointee {
      defer { reported.pointee = before }
      return .eventsLost(before &- reported.pointee)
    }
    guard isPosted else { return nil }
    let event = slots.event(slot).pointee
    consumed.pointee.store(position &+ 1, ordering: .releasing)
    return event
  }

  /// Takes every event there is.
  public func drain() -> [AlertEvent] {
    var events: [AlertEvent] = []
    while let event = next() { events.append(event) }
    return events
  }

  /// How many events have been posted and not been taken; for the producer.
  public var waiting: Int { Int(truncatingIfNeeded: poster.posted &- consumed.pointee.load(ordering: .acquiring)) }

  /// Where the ring lies, so that who measures can drop it from the caches.
  public var bytes: UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: slots.start, count: (capacity + 3) * RingSlots.slotBytes)
  }

  /// How many events were lost since the ring was made.
  public var overflow: UInt64 { poster.lost.pointee.load(ordering: .acquiring) }
}

extension AlertEvent {
  /// The news that events were lost: how many in ``detail``, nothing else known.
  fileprivate static func eventsLost(_ count: UInt64) -> AlertEvent {
    var event = AlertEvent(
      .eventsLost, vcpu: 0, mode: .normal, set: .normal, actions: [], address: GuestPhysicalAddress(0), time: 0)
    event.detail = Int32(clamping: count)
    return event
  }
}
