import Addresses
import EPT
import MonitorTree
import Testing

@testable import GuestIntegrity

@Suite("The driver's stores into its tree")
struct DriverStoreTests {
  @Test(
    "go through the table set in force on its vCPU: refused where no set lets them pass",
    arguments: Mechanism.switchings)
  func throughTheSet(switching: any Switching) throws {
    let fixture = try Fixture.armed(switching)
    let processors = fixture.hypervisor.processors
    #expect(processors.stores > 512)
    #expect(processors.refusedStores == (switching == .filterByMode ? processors.stores : 0))
    #expect(fixture.events == [])
  }

  @Test("land on nodes and data whatever the set, on no protected page, and nowhere outside guest memory")
  func whereTo() throws {
    let fixture = try Fixture.armed()
    let hypervisor = fixture.hypervisor
    for set in [TableSet.normal, .integrity] {
      var store = DriverStore(
        memory: hypervisor.memory, pointer: hypervisor.eptp(of: set), tracing: hypervisor.monitor.tracing,
        tree: hypervisor.tree)
      let word = GuestPhysicalAddress(Fixture.data.first.address.rawValue + 0x80)
      let isStored = store.store(7, at: word)
      #expect(isStored)
      #expect(fixture.word(at: word) == 7)
      #expect(store.refused == (set == .normal ? 1 : 0))
      for forbidden in [
        Fixture.text.first.address, Fixture.code.first.address, GuestPageNumber(Fixture.ramPages).address,
      ] {
        let before = fixture.word(at: forbidden)
        let isStored = store.store(before ^ 1, at: forbidden)
        #expect(!isStored)
        #expect(fixture.word(at: forbidden) == before)
      }
    }
  }

  @Test("find a donated page where the tree is read, also if it had been moved; an unmapped page is no donation")
  func movedPages() throws {
    let fixture = try Fixture()
    let hypervisor = fixture.hypervisor
    for page in Fixture.nodes.all.prefix(9) { try hypervisor.move(page, on: 0) }
    try fixture.arm()
    for page in Fixture.nodes.all { #expect(hypervisor.frame(of: page)?.rawValue == page.address.rawValue) }
    #expect(
      fixture.write(page: Fixture.text.first)?.finding
        == .alert(.protected, region: RegionID(1), actions: [.count, .log]))
    #expect(hypervisor.tree.find(Fixture.nodes.first).actions.contains(.blockWrite))
    try hypervisor.unmap(GuestPageNumber(0x901), on: 0)
    fixture.inIntegrityMode { #expect(fixture.donate(Fixture.pages(0x900, 3)).error == .outsideGuestMemory) }
    #expect(hypervisor.monitor.tracing.clients(of: GuestPageNumber(0x900)) == [])
    #expect(hypervisor.audit() == [])
  }
}
