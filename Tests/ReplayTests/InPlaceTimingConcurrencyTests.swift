import Addresses
import CHost
import Glibc
import GuestIntegrity
import MonitorTree
import Testing

@testable import Replay

@Suite("Alerts taken on a thread of its own")
struct InPlaceTimingConcurrencyTests {
  private func event(_ cause: AlertEvent.Cause = .protectedPage, at time: UInt64) -> AlertEvent {
    AlertEvent(
      cause, vcpu: 0, mode: .normal, set: .normal, actions: .notify, address: GuestPhysicalAddress(0x1000), time: time)
  }

  private final class Told: @unchecked Sendable {
    var events: [(ring: Int, time: UInt64)] = []
  }

  @Test("are told once each, in the order of their ring, the last ones too")
  func all() throws {
    let rings = [AlertRing(capacity: 64), AlertRing(capacity: 64)]
    let told = Told()
    let consumer = try #require(AlertConsumer(rings) { ring, event, _ in told.events.append((ring, event.time)) })
    for time in 0..<20_000 as Range<UInt64> {
      let ring = rings[Int(time % 3 == 0 ? 1 : 0)]
      while ring.waiting >= 32 { sched_yield() }
      ring.post(event(at: time))
    }
    consumer.finish()
    #expect(told.events.count == 20_000)
    for ring in 0...1 {
      let times = told.events.filter { $0.ring == ring }.map(\.time)
      #expect(times == (0..<20_000).filter { ($0 % 3 == 0 ? 1 : 0) == ring })
    }
  }

  @Test("have ages by strategy, of what refused stores raised alone")
  func ages() throws {
    let rings = [[AlertRing(capacity: 8)], [AlertRing(capacity: 8), AlertRing(capacity: 8)]]
    guard let consumer = InPlaceConsumer(rings) else { return }
    for _ in 0..<500 {
      for ring in rings.joined() {
        ring.post(event(at: chost_ordered_ticks()))
        ring.post(event(.hypercall, at: 1))
        consumer.awaitRoom(in: ring)
      }
    }
    let ages = consumer.finish()
    #expect(ages.map(\.totalCount) == [500, 1000])
    #expect(rings.joined().allSatisfy { $0.overflow == 0 && $0.waiting == 0 })
  }

  @Test("are taken while a hypervisor raises them for refused stores")
  func hypervisor() throws {
    let guest = try ProtectedGuest.strewn(stores: 256)
    guard let consumer = InPlaceConsumer([[guest.ring]]) else { return }
    for index in 0..<2000 {
      guest.raise(index % 256, at: chost_ordered_ticks())
      consumer.awaitRoom(in: guest.ring)
    }
    #expect(consumer.finish().map(\.totalCount) == [2000])
    #expect(guest.ring.overflow == 0)
  }
}
