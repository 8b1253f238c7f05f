import CHost
import Synchronization

/// The end of an alert ring where events go in: plain pointers, so that posting counts no references, allocates nothing,
/// takes no lock and reads no clock. It must not outlive its ring.
struct AlertPoster: @unchecked Sendable {
  private let slots: RingSlots
  private let consumed: UnsafeMutablePointer<Atomic<UInt64>>
  /// The producer's line: the next position; a copy of the consumer's; how many losses the slots tell of.
  private let state: UnsafeMutablePointer<UInt64>
  /// How many events were lost.
  let lost: UnsafeMutablePointer<Atomic<UInt64>>

  init(_ slots: RingSlots, consumed: UnsafeMutablePointer<Atomic<UInt64>>) {
    self.slots = slots
    self.consumed = consumed
    state = slots.line(1).assumingMemoryBound(to: UInt64.self)
    lost = slots.line(2).assumingMemoryBound(to: Atomic<UInt64>.self)
  }

  /// How many events have been posted.
  var posted: UInt64 { state[0] }

  /// Where the next event is to be written before ``publish()``; nil if the ring is full, and the event is lost. One producer
  /// at a time.
  @inline(__always)
  func place() -> UnsafeMutablePointer<AlertEvent>? {
    let position = state[0]
    if position &- state[1] >= slots.count {
      state[1] = consumed.pointee.load(ordering: .acquiring)
      guard position &- state[1] < slots.count else {
        lost.pointee.store(lost.pointee.load(ordering: .relaxed) &+ 1, ordering: .releasing)
        return nil
      }
    }
    return slots.event(slots.slot(of: position))
  }

  /// Hands the event in the place over to the consumer.
  @inline(__always)
  func publish() {
    let position = state[0]
    let slot = slots.slot(of: position)
    var mark = position &+ 1
    let lost = lost.pointee.load(ordering: .relaxed)
    if lost != state[2] {
      state[2] = lost
      slots.lostBefore(slot).pointee = lost
      mark |= RingSlots.lossMark
    }
    slots.mark(slot).pointee.store(mark, ordering: .releasing)
    state[0] = position &+ 1
    // The next event's second line is the producer's already when it is written; the first the consumer looks at meanwhile.
    chost_prefetch_to_write(slots.slot(of: position &+ 1) + 64)
  }
}

/// The memory of a ring: slots of 128 bytes, and three lines for the positions and counts of both ends.
@frozen @usableFromInline
struct RingSlots: @unchecked Sendable {
  @usableFromInline let start: UnsafeMutableRawPointer
  /// How many slots, a power of two.
  @usableFromInline let count: UInt64

  @inlinable static var slotBytes: Int { 128 }
  /// Bit 63 of a mark: events were lost before this one.
  static var lossMark: UInt64 { 1 << 63 }

  init(count: Int) {
    precondition(MemoryLayout<AlertEvent>.size <= Self.slotBytes - 16)
    let bytes = (count + 3) * Self.slotBytes
    start = .allocate(byteCount: bytes, alignment: Self.slotBytes)
    start.initializeMemory(as: UInt8.self, repeating: 0, count: bytes)
    self.count = UInt64(count)
  }

  func deallocate() { start.deallocate() }

  /// One of the three lines after the slots.
  func line(_ index: Int) -> UnsafeMutableRawPointer { start + (Int(count) + index) * Self.slotBytes }

  /// The slot of a position.
  @inlinable @inline(__always)
  func slot(of position: UInt64) -> UnsafeMutableRawPointer {
    start + Int(truncatingIfNeeded: position & (count &- 1)) &* Self.slotBytes
  }

  /// One more than the position whose event the slot holds, with ``lossMark`` or without.
  @inlinable @inline(__always)
  func mark(_ slot: UnsafeMutableRawPointer) -> UnsafeMutablePointer<Atomic<UInt64>> {
    slot.assumingMemoryBound(to: Atomic<UInt64>.self)
  }

  /// The event of a slot.
  @inlinable @inline(__always)
  func event(_ slot: UnsafeMutableRawPointer) -> UnsafeMutablePointer<AlertEvent> {
    (slot + 8).assumingMemoryBound(to: AlertEvent.self)
  }

  /// How many events had been lost when the slot's was posted; written with ``lossMark`` only.
  func lostBefore(_ slot: UnsafeMutableRawPointer) -> UnsafeMutablePointer<UInt64> {
    (slot + Self.slotBytes - 8).assumingMemoryBound(to: UInt64.self)
  }
}
