import Addresses
import Testing

@testable import GuestIntegrity

@Suite("Where alerts say they come from")
struct EventAddressTests {
  @Test("an alert names the instruction exactly where it is known, whether a store or a hypercall raised it")
  func instructions() throws {
    let fixture = try Fixture.armed()
    _ = fixture.events
    let address = Fixture.text.first.address
    for rip in [nil, GuestLinearAddress(0xffff_ffff_8000_1234)] {
      var store = Store(vcpu: 0, address: address, size: 8, value: StoredValue(low: 1))
      store.rip = rip
      guard case .violation(let violation) = fixture.walk(address, .dataWrite, in: .normal) else {
        Issue.record("the text may be written")
        return
      }
      _ = fixture.hypervisor.handle(store, violation: violation)
      let events = fixture.events
      #expect(events.map { $0.flags.contains(.rip) } == [rip != nil])
      #expect(events.map(\.rip) == [rip ?? GuestLinearAddress(0)])
    }
    #expect(!fixture.enter { $0.rip.rawValue += 4096 }.isSuccess)
    let events = fixture.events
    #expect(events.map { $0.flags.contains(.rip) } == [true])
    #expect(events.map(\.rip.rawValue) == [Fixture.linearBase + Fixture.entryOffset + 4096])
  }

  @Test("GI_QUERY is answered from GI_INIT until GI_SHUTDOWN, of pages and of counters, and refused before and after")
  func queries() throws {
    let fixture = try Fixture { $0.allowsShutdown = true }
    func answers() -> [HypercallError?] {
      [0, Fixture.text.first.rawValue, 1 << 63].map { fixture.call(.query, $0).error }
    }
    #expect(answers() == [.notInitialised, .notInitialised, .notInitialised], "before")
    try fixture.arm()
    #expect(answers() == [nil, nil, nil], "armed")
    #expect(fixture.enter() == .success && fixture.call(.shutdown) == .success)
    #expect(answers() == [.notInitialised, .notInitialised, .notInitialised], "after")
  }

  @Test("a driver's silence is reported only while there is a driver that could break it")
  func silence() throws {
    let fixture = try Fixture { ($0.silenceLimit, $0.allowsShutdown) = (1000, true) }
    func silences(at time: UInt64) -> Int {
      fixture.hypervisor.advance(to: time, on: 0)
      return fixture.events.count { $0.cause == .silence }
    }
    #expect(silences(at: 5000) == 0, "before GI_INIT")
    try fixture.arm()
    #expect(silences(at: 500) == 0, "within the limit")
    #expect(silences(at: 100_000) == 1, "beyond it")
    #expect(silences(at: 100_001) == 0, "once each time")
    #expect(fixture.enter() == .success && fixture.call(.shutdown) == .success)
    #expect(silences(at: 900_000) == 0, "after GI_SHUTDOWN")
  }
}
