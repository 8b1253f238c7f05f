import Addresses
import Synchronization
import Testing

@testable import GuestIntegrity

@Suite("An alert ring")
struct AlertRingTests {
  static func event(_ number: UInt64) -> AlertEvent {
    AlertEvent(
      .protectedPage, vcpu: 3, mode: .integrity, set: .integrity, actions: [.log, .suspend],
      address: GuestPhysicalAddress(number &* 0x9e37_79b9), time: number)
  }

  @Test("gives events back whole and in order")
  func order() {
    let ring = AlertRing(capacity: 8)
    for round in UInt64(0)..<50 {
      for number in 0..<5 { #expect(ring.post(Self.event(round * 5 + UInt64(number)))) }
      for number in 0..<5 { #expect(ring.next() == Self.event(round * 5 + UInt64(number))) }
      #expect(ring.next() == nil)
    }
    #expect(ring.overflow == 0)
  }

  @Test("loses new events when it is full, counts them, and keeps the old ones")
  func overflow() {
    let ring = AlertRing(capacity: 5)
    #expect(ring.capacity == 8)
    for number in UInt64(0)..<20 { #expect(ring.post(Self.event(number)) == (number < 8)) }
    #expect(ring.overflow == 12)
    #expect(ring.drain().map(\.time) == Array(0..<8))
    #expect(ring.post(Self.event(99)))
    #expect(ring.drain().map(\.time) == [99])
  }

  @Test(
    "has at least one place, and no more than 2^20", arguments: [(0, 1), (-5, 1), (1, 1), (3, 4), (1 << 30, 1 << 20)])
  func capacity(asked: Int, got: Int) {
    #expect(AlertRing(capacity: asked).capacity == got)
  }

  @Test("hands every event that was not lost from one thread to another, whole and in order")
  func twoThreads() async {
    let ring = AlertRing(capacity: 64)
    let count = UInt64(200_000)
    let posted = Atomic<UInt64>(0)
    async let taken: [UInt64] = Task.detached {
      var times: [UInt64] = []
      while true {
        guard let event = ring.next() else {
          if posted.load(ordering: .acquiring) == count, ring.next() == nil { return times }
          continue
        }
        guard event == Self.event(event.time) else { return [] }
        times.append(event.time)
      }
    }.value
    for number in 0..<count { ring.post(Self.event(number)) }
    posted.store(count, ordering: .releasing)
    let times = await taken
    #expect(UInt64(times.count) + ring.overflow == count || UInt64(times.count) + ring.overflow == count - 1)
    #expect(zip(times, times.dropFirst()).allSatisfy { $0 < $1 })
    #expect(!times.isEmpty)
  }
}
