import SeededRandom
import Testing

@testable import Replay

@Suite("The ring and its consumer")
struct AlertQueueTests {
  private func queue(slots: Int, service: Double, _ whenFull: Consumer.WhenFull) -> AlertQueue {
    let time = Bracket(low: service, value: service, high: service)
    let consumer = Consumer(name: "test", slots: slots, service: .constant(time), whenFull: whenFull)
    return AlertQueue(
      consumer, service: ServiceTimes(consumer.service, cyclesPerNanosecond: 1, corner: 1, seed: 1))
  }

  /// A clock that ticks: at each tick the consumer ends an alert, takes the next from a ring, and one waits outside.
  private struct Ticking {
    let slots: Int
    let service: Int
    let whenFull: Consumer.WhenFull
    private var ring: [Int] = []
    private var inHand: (alert: Int, until: Int)?
    private(set) var raised: [Int: Int] = [:]
    private(set) var delivered: [Int: Int] = [:]
    private(set) var lost = 0

    init(slots: Int, service: Int, _ whenFull: Consumer.WhenFull) {
      (self.slots, self.service, self.whenFull) = (slots, service, whenFull)
    }

    private mutating func consume(at now: Int) {
      while true {
        if let held = inHand {
          guard held.until <= now else { return }
          delivered[held.alert] = held.until
          inHand = nil
        }
        guard !ring.isEmpty else { return }
        inHand = (ring.removeFirst(), now + service)
      }
    }

    mutating func run(_ arrivals: [Int]) {
      var outside: [Int] = []
      var next = 0
      var now = 0
      while next < arrivals.count || !outside.isEmpty || !ring.isEmpty || inHand != nil {
        consume(at: now)
        while let first = outside.first, ring.count < slots {
          outside.removeFirst()
          raised[first] = now
          ring.append(first)
          consume(at: now)
        }
        while next < arrivals.count, arrivals[next] == now {
          if ring.count < slots, outside.isEmpty {
            raised[next] = now
            ring.append(next)
          } else if whenFull == .park {
            outside.append(next)
          } else {
            lost += 1
          }
          consume(at: now)
          next += 1
        }
        now += 1
      }
    }
  }

  @Test("are what a clock that ticks through both sees", arguments: 0..<40 as Range<UInt64>, Consumer.WhenFull.allCases)
  func ticking(seed: UInt64, whenFull: Consumer.WhenFull) {
    var random = SplitMix64(seed: seed)
    let (slots, service) = (Int.random(in: 1...5, using: &random), Int.random(in: 1...9, using: &random))
    var time = 0
    let arrivals = (0..<80).map { _ in
      time += Int.random(in: 0...8, using: &random)
      return time
    }
    var ticking = Ticking(slots: slots, service: service, whenFull)
    ticking.run(arrivals)
    var queue = queue(slots: slots, service: Double(service), whenFull)
    for (index, arrival) in arrivals.enumerated() {
      let place = queue.post(at: Double(arrival))
      #expect(place.map { Int($0.raised) } == ticking.raised[index], "seed \(seed), alert \(index)")
      #expect(place.map { Int($0.delivered) } == ticking.delivered[index], "seed \(seed), alert \(index)")
    }
    #expect(Int(queue.lost) == ticking.lost, "seed \(seed)")
    #expect(whenFull == .lose || queue.lost == 0)
    #expect(whenFull == .park || queue.parked == 0)
  }

  @Test("a consumer that sleeps is woken by an alert that finds it idle, and is awake for those behind")
  func waking() {
    let awake = Bracket(low: 10, value: 10, high: 10)
    var times = ServiceTimes(
      .waking(p50: 13_600, p99: 47_000, awake: awake), cyclesPerNanosecond: 2, corner: 1, seed: 7)
    let first = times.next(isAsleep: false)
    #expect(first == 20)
    let drawn = (0..<20_001).map { _ in times.next(isAsleep: true) / 2 }.sorted()
    #expect(abs(drawn[10_000] / 13_600 - 1) < 0.02, "\(drawn[10_000])")
    #expect(abs(drawn[19_800] / 47_000 - 1) < 0.06, "\(drawn[19_800])")
    #expect(drawn.allSatisfy { $0 == $0.rounded() })
    var again = ServiceTimes(
      .waking(p50: 13_600, p99: 47_000, awake: awake), cyclesPerNanosecond: 2, corner: 1, seed: 7)
    let drawnAgain = (0..<20_001).map { _ in again.next(isAsleep: true) / 2 }.sorted()
    #expect(drawnAgain == drawn)
  }
}

@Suite("Alerts of several vCPUs")
struct AlertMergeTests {
  private func merge(vcpus: Int, service: Double = 50, slots: Int = 4, _ whenFull: Consumer.WhenFull = .park)
    -> AlertMerge
  {
    let time = Bracket(low: service, value: service, high: service)
    let consumer = Consumer(name: "test", slots: slots, service: .constant(time), whenFull: whenFull)
    let queue = AlertQueue(
      consumer, service: ServiceTimes(consumer.service, cyclesPerNanosecond: 1, corner: 1, seed: 1))
    return AlertMerge(queue, vcpus: vcpus)
  }

  private func alert(_ random: inout SplitMix64) -> AlertMerge.Alert {
    AlertMerge.Alert(
      gap: Double(Int.random(in: 1...400, using: &random)), before: Double(Int.random(in: 10...20, using: &random)),
      after: 5, beyond: 0)
  }

  @Test("come out alike in whatever order an emulator let their vCPUs take turns", arguments: 0..<20 as Range<UInt64>)
  func turns(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    let streams = (0..<3).map { _ in (0..<100).map { _ in alert(&random) } }
    func outcomes(_ order: [Int]) -> [[Double?]] {
      var merge = merge(vcpus: 3)
      var next = [0, 0, 0]
      for vcpu in order {
        merge.add(streams[vcpu][next[vcpu]], on: vcpu)
        next[vcpu] += 1
      }
      merge.finish()
      #expect(merge.halted == 0)
      return merge.outcomes.map { [$0.raised, $0.delivered, $0.stall] }
    }
    let inTurns = (0..<3).flatMap { Array(repeating: $0, count: 100) }
    let expected = outcomes(inTurns)
    #expect(expected.count == 300)
    for _ in 0..<5 { #expect(outcomes(inTurns.shuffled(using: &random)) == expected, "seed \(seed)") }
  }

  @Test("a vCPU that is kept issues its next store later, so that one vCPU alone never waits behind itself")
  func closed() {
    var merge = merge(vcpus: 1, service: 1000, slots: 1)
    for _ in 0..<50 { merge.add(.init(gap: 1, before: 10, after: 5, beyond: 3), on: 0) }
    merge.finish()
    let outcomes = merge.outcomes
    #expect(outcomes[0].raised == 10 && outcomes[0].delivered == 1013 && outcomes[0].stall == 15)
    // The slot is free as soon as the consumer turns to the alert in it; from then on every alert waits for one service.
    #expect(outcomes.dropFirst(3).allSatisfy { $0.raised == 1000 - 6 && $0.stall == 999 })
    #expect(merge.lost == 0 && merge.parked > 47 * 980)
  }

  @Test("a vCPU that waits for an answer goes on with it; others wait behind it, and no question is lost")
  func answered() {
    var merge = merge(vcpus: 3, service: 1, slots: 1, .lose)
    for vcpu in 0..<3 {
      merge.add(.init(gap: 10, before: 5, after: 2, beyond: 0, answer: 100, isAlert: vcpu > 0), on: vcpu)
    }
    merge.finish()
    let outcomes = merge.outcomes
    // One after the other: each answer takes 100 from the one before.
    #expect(outcomes.map(\.stall) == [107, 207, 307] && outcomes.map(\.delivered) == [105, 205, 305])
    #expect(outcomes.map(\.isAlert) == [false, true, true] && merge.lost == 0)
  }

  @Test("a vCPU that lags behind all that can be kept in order was halted: it neither waits nor makes others wait")
  func lagging() {
    var merge = merge(vcpus: 2, service: 1, slots: 4)
    for _ in 0..<3000 { merge.add(.init(gap: 100, before: 10, after: 5, beyond: 0), on: 0) }
    merge.add(.init(gap: 1, before: 10, after: 5, beyond: 0), on: 1)
    merge.finish()
    #expect(merge.halted > 0)
    let outcomes = merge.outcomes
    #expect(outcomes.allSatisfy { $0.raised == 10 && $0.stall == 15 && $0.delivered! <= 12 })
  }
}
