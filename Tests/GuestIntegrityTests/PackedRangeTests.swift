import Addresses
import Testing

@testable import GuestIntegrity

@Suite("Ranges in one register")
struct PackedRangeTests {
  @Test("hold every number of pages from 1 to 4095, and every first page")
  func roundTrips() throws {
    for count in UInt64(1)...4095 {
      for first in [0, 1, 0x1000, 1 << 51] as [UInt64] {
        let range = try #require(PageRange(first: GuestPageNumber(first), count: count))
        #expect(PackedRange(range)?.range == range, "\(count) pages from \(first)")
      }
    }
    for bit in 0..<52 {
      let range = PageRange(page: GuestPageNumber(1 << UInt64(bit)))
      #expect(PackedRange(range)?.range == range, "page \(1 << bit)")
    }
    #expect(PackedRange(rawValue: 0x5000).range == nil, "no page")
    #expect(PackedRange(try #require(PageRange(first: GuestPageNumber(0), count: 4096))) == nil, "a page too many")
  }

  @Test("GI_DONATE_NODE of the driver's own pages is refused by name, wherever it touches them, and changes nothing")
  func donations() throws {
    let fixture = try Fixture()
    #expect(fixture.initialise() == .success && fixture.enter() == .success)
    for own in [Fixture.code, Fixture.data] {
      for (first, count) in [
        (own.first.rawValue, own.count), (own.first.rawValue, 1), (own.last.rawValue, 1), (own.first.rawValue - 1, 2),
        (own.last.rawValue, 2),
      ] as [(UInt64, UInt64)] {
        #expect(
          fixture.donate(Fixture.pages(first, count)).error == .overlapsGuestIntegrity, "\(count) pages from \(first)")
      }
    }
    #expect(fixture.hypervisor.audit() == [])
    #expect(fixture.donate() == .success)
  }

  @Test("GI code stays executable, in every set, where execution is never taken from anything, shutdown included")
  func withoutStripping() throws {
    let fixture = try Fixture { ($0.integrityExecution, $0.allowsShutdown) = (.everything, true) }
    func isExecutable(_ page: GuestPageNumber, in set: TableSet) -> Bool {
      guard case .translated = fixture.walk(page.address, .fetch, in: set) else { return false }
      return true
    }
    let places = [Fixture.code.first, Fixture.code.first + 0x700]
    func claim(_ what: String) {
      for set in [TableSet.normal, .integrity] {
        for page in places { #expect(isExecutable(page, in: set), "\(what): page \(page), \(set)") }
      }
    }
    claim("at first")
    try fixture.arm()
    claim("armed")
    #expect(fixture.enter() == .success && fixture.call(.shutdown) == .success)
    claim("shut down")
  }
}
