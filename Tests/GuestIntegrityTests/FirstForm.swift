import Addresses
import Testing

@testable import GuestIntegrity

@Suite("first form")
struct FirstForm {
  @Test(arguments: Switching.allCases)
  func driverScript(_ s: Switching) throws {
    let f = try Fixture(s, vcpus: 2)
    #expect(f.initialise() == .success)
    #expect(f.protect(0x100, 5).error == .wrongMode)
    #expect(f.enter() == .success)
    #expect(f.donate() == .success)
    #expect(f.protect(0x1000, 1500) == .success)
    #expect(f.protect(0x1100, 2, region: 3) == .success)
    #expect(f.exit() == .success)
    let v = f.hypervisor.handle(Store(vcpu: 0, address: GuestPhysicalAddress(0x1100_000), size: 8), violation: .init())
    #expect(v.isAlert)
    print(s, v, f.hypervisor.processors.edits, f.hypervisor.processors.stores, f.hypervisor.processors.refusedStores, f.hypervisor.processors.acts)
    print(f.hypervisor.monitor.tracing.tables.pool.used)
    for page in UInt64(0x7fe)..<0x852 {
      let n = f.hypervisor.monitor.tracing.tables.leaf(of: GuestPageNumber(page), in: .normal)!
      let i = f.hypervisor.monitor.tracing.tables.leaf(of: GuestPageNumber(page), in: .integrity)!
      if page < 0x807 || page == 0x810 || page > 0x84e {print(String(page, radix: 16), n.entry.rights, n.level, i.entry.rights, i.level)}
    }
  }
}
