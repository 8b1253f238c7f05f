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
}
