import Synchronization
import Testing

@testable import GuestIntegrity

@Suite("An alert ring between two threads")
struct AlertRingConcurrencyTests {
  @Test("hands every event that was not lost from one thread to another, whole and in order")
  func twoThreads() async {
    let ring = AlertRing(capacity: 64)
    let count = UInt64(200_000)
    let posted = Atomic<UInt64>(0)
    async let taken: (times: [UInt64], lost: UInt64) = Task.detached {
      var times: [UInt64] = []
      var lost: UInt64 = 0
      while true {
        // Whether everything has been posted, asked before the ring is found empty.
        let isLast = posted.load(ordering: .acquiring) == count
        guard let event = ring.next() else {
          if isLast { return (times, lost) }
          continue
        }
        if event.cause == .eventsLost {
          lost += UInt64(event.detail)
          continue
        }
        guard event == AlertRingTests.event(event.time) else { return ([], 0) }
        times.append(event.time)
      }
    }.value
    for number in 0..<count { ring.post(AlertRingTests.event(number)) }
    posted.store(count, ordering: .releasing)
    let (times, lost) = await taken
    #expect(UInt64(times.count) + lost == count)
    #expect(lost == ring.overflow)
    #expect(zip(times, times.dropFirst()).allSatisfy { $0 < $1 })
    #expect(!times.isEmpty)
  }
}
