import Addresses
import SeededRandom
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

  @Test("loses new events when it is full, counts them, keeps the old ones, and tells where events are missing")
  func overflow() {
    let ring = AlertRing(capacity: 5)
    #expect(ring.capacity == 8)
    for number in UInt64(0)..<20 { #expect(ring.post(Self.event(number)) == (number < 8)) }
    #expect(ring.overflow == 12)
    #expect(ring.drain().map(Self.story) == (0..<8).map { "\($0)" } + ["12 lost"])
    #expect(ring.next() == nil)
    #expect(ring.post(Self.event(99)))
    #expect(ring.drain().map(Self.story) == ["99"])
  }

  /// What a consumer learns from an event: its number, or how many are missing.
  static func story(_ event: AlertEvent) -> String {
    event.cause == .eventsLost ? "\(event.detail) lost" : "\(event.time)"
  }

  @Test(
    "tells of every loss once, in its place, however posting and taking take turns",
    arguments: [1, 2, 8], [UInt64(1), 2, 3])
  func losses(capacity: Int, seed: UInt64) {
    var random = SplitMix64(seed: seed)
    let ring = AlertRing(capacity: capacity)
    // The plain model: what was accepted, in order, with a note of what was lost in between.
    var expected: [String] = []
    var taken: [String] = []
    var waiting = 0
    var lost = 0
    func noteLosses() {
      if lost > 0 { expected.append("\(lost) lost") }
      lost = 0
    }
    for number in UInt64(0)..<5000 {
      if Bool.random(using: &random) {
        let fits = waiting < ring.capacity
        #expect(ring.post(Self.event(number)) == fits, "seed \(seed)")
        if fits {
          noteLosses()
          expected.append("\(number)")
          waiting += 1
        } else {
          lost += 1
        }
      } else if let event = ring.next() {
        taken.append(Self.story(event))
        if event.cause == .eventsLost {
          // With nothing behind it, the news comes before anything is posted.
          if waiting == 0 { noteLosses() }
        } else {
          waiting -= 1
        }
      }
    }
    taken += ring.drain().map(Self.story)
    noteLosses()
    #expect(taken == expected, "seed \(seed)")
  }

  @Test(
    "has at least one place, and no more than 2^20", arguments: [(0, 1), (-5, 1), (1, 1), (3, 4), (1 << 30, 1 << 20)])
  func capacity(asked: Int, got: Int) {
    #expect(AlertRing(capacity: asked).capacity == got)
  }
}
