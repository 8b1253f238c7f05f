import Synchronization

/// A bounded queue of events from one vCPU's hypervisor context to one consumer on any thread.
///
/// Nobody waits: an event that finds the ring full is dropped and counted. An event and the mark that says it is there
/// share a 128-byte slot, so that a consumer on another core needs one line transfer for both.
public final class AlertRing: @unchecked Sendable {
  /// How many events fit.
  public let capacity: Int
  @usableFromInline let slots: UnsafeMutableRawPointer
  /// Producer's line: next position; its copy of the consumer's position.
  @usableFromInline let producer: UnsafeMutablePointer<UInt64>
  @usableFromInline let consumed: UnsafeMutablePointer<Atomic<UInt64>>
  @usableFromInline let lost: UnsafeMutablePointer<Atomic<UInt64>>

  @inlinable static var slotBytes: Int { 128 }
  @inlinable static var eventOffset: Int { 8 }

  /// A ring for at least `capacity` events (rounded up to a power of two, at most 2^20).
  public init(capacity: Int) {
    precondition(MemoryLayout<AlertEvent>.size <= Self.slotBytes - Self.eventOffset)
    var rounded = 1
    while rounded < min(max(capacity, 1), 1 << 20) { rounded *= 2 }
    self.capacity = rounded
    let bytes = (rounded + 3) * Self.slotBytes
    slots = .allocate(byteCount: bytes, alignment: Self.slotBytes)
    slots.initializeMemory(as: UInt8.self, repeating: 0, count: bytes)
    let lines = slots + rounded * Self.slotBytes
    producer = lines.bindMemory(to: UInt64.self, capacity: 2)
    consumed = (lines + Self.slotBytes).bindMemory(to: Atomic<UInt64>.self, capacity: 1)
    lost = (lines + 2 * Self.slotBytes).bindMemory(to: Atomic<UInt64>.self, capacity: 1)
    consumed.initialize(to: Atomic(0))
    lost.initialize(to: Atomic(0))
    for slot in 0..<rounded { mark(slot).initialize(to: Atomic(0)) }
  }

  deinit { slots.deallocate() }

  @inlinable @inline(__always)
  func mark(_ slot: Int) -> UnsafeMutablePointer<Atomic<UInt64>> {
    (slots + slot &* Self.slotBytes).assumingMemoryBound(to: Atomic<UInt64>.self)
  }

  /// Adds an event; false if the ring was full and the event is lost. One producer at a time.
  @inlinable
  @discardableResult
  public func post(_ event: AlertEvent) -> Bool {
    let position = producer[0]
    if position &- producer[1] >= UInt64(capacity) {
      producer[1] = consumed.pointee.load(ordering: .acquiring)
      guard position &- producer[1] < UInt64(capacity) else {
        lost.pointee.wrappingAdd(1, ordering: .relaxed)
        return false
      }
    }
    let slot = Int(truncatingIfNeeded: position & UInt64(capacity &- 1))
    (slots + slot &* Self.slotBytes + Self.eventOffset).storeBytes(of: event, as: AlertEvent.self)
    producer[0] = position &+ 1
    mark(slot).pointee.store(position &+ 1, ordering: .releasing)
    return true
  }

  /// Takes the oldest event; nil if there is none. One consumer at a time.
  @inlinable
  public func next() -> AlertEvent? {
    let position = consumed.pointee.load(ordering: .relaxed)
    let slot = Int(truncatingIfNeeded: position & UInt64(capacity &- 1))
    guard mark(slot).pointee.load(ordering: .acquiring) == position &+ 1 else { return nil }
    let event = (slots + slot &* Self.slotBytes + Self.eventOffset).load(as: AlertEvent.self)
    consumed.pointee.store(position &+ 1, ordering: .releasing)
    return event
  }

  /// Takes every event there is.
  public func drain() -> [AlertEvent] {
    var events: [AlertEvent] = []
    while let event = next() { events.append(event) }
    return events
  }

  /// How many events were lost since the ring was full.
  @inlinable public var overflow: UInt64 { lost.pointee.load(ordering: .relaxed) }
}
