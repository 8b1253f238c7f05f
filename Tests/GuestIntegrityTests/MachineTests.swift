import Addresses
import EPT
import GuestIntegrity
import MonitorTree
import ScriptedGuest
import Testing

extension Mechanism {
  /// The built-in choices of switching.
  static let switchings: [any Switching] = [.toggleWriteBits, .eptpByExit, .eptpByVMFUNC, .filterByMode]

  static let every: [Mechanism] = [
    .init(switching: .toggleWriteBits), .init(switching: .eptpByExit), .init(switching: .eptpByVMFUNC),
    .init(switching: .filterByMode),
    .init(switching: .eptpByVMFUNC, noticing: .virtualizationException, completion: .viewSwitch),
    .init(switching: .eptpByExit, noticing: .subPagePermissions),
    .init(switching: .filterByMode, noticing: .modificationLog, completion: .alreadyDone),
    .init(switching: .eptpByExit, completion: .singleStep),
    .init(switching: .eptpByExit, noticing: .outsideAnswer),
    .init(switching: .filterByMode, noticing: .modificationLog(promoting: .usual), completion: .alreadyDone),
  ]
  /// Whether it lets writes through and logs them.
  var isLogged: Bool { noticing.features.contains(.modificationLog) }
  /// Those that notice a write before it is performed.
  static let immediate = every.filter { !$0.isLogged }
}

extension Mechanism: CustomTestStringConvertible {
  /// The name in test reports.
  public var testDescription: String { "\(switching.name), \(noticing.name), \(completion.name)" }
}

extension GuestMachine {
  /// A machine whose driver is armed.
  static func armed(
    _ mechanism: Mechanism, _ actions: AlertActions = [.count, .log, .notify], pageTables: Bool = false,
    vcpus: Int = 2, _ change: (inout Configuration) -> Void = { _ in }
  ) throws -> GuestMachine {
    var configuration = Configuration(mechanism)
    change(&configuration)
    let machine = try GuestMachine(configuration, vcpus: vcpus)
    GIDriver(machine).arm(actions, pageTables: pageTables)
    try #require(machine.takeEvents() == [])
    return machine
  }

}

@Suite("The scripted machine")
struct MachineTests {
  let textWord = GuestPhysicalAddress(GuestLayout.text.first.address.rawValue + 0x800)
  let dataWord = GuestLayout.driverData(page: 0, offset: 0x100)

  @Test("lets the driver write its data in integrity mode, and nobody notices", arguments: Mechanism.every)
  func driverData(mechanism: Mechanism) throws {
    let machine = try GuestMachine.armed(mechanism)
    let driver = GIDriver(machine)
    for value in UInt64(1)..<4 {
      driver.window { #expect(driver.store(value, at: dataWord) == .done) }
    }
    #expect(machine.word(at: GuestPhysicalAddress(GuestLayout.data.first.address.rawValue + 0x100)) == 3)
    #expect(machine.takeEvents() == [])
    #expect(machine.hypervisor.counters[.integrityFaults] == 0)
  }

  @Test("reports one event for a store to kernel text, and completes it", arguments: Mechanism.every)
  func kernelText(mechanism: Mechanism) throws {
    let machine = try GuestMachine.armed(mechanism)
    let old = machine.word(at: textWord)
    #expect(machine.store(0x1234, at: GuestLayout.direct(textWord), on: 1) == .done)
    #expect(machine.word(at: textWord) == 0x1234)
    let events = machine.takeEvents()
    try #require(events.count == 1)
    let event = events[0]
    #expect(event.cause == .protectedPage)
    #expect(event.vcpu == 1)
    #expect(event.region == RegionID(1))
    if mechanism.isLogged {
      #expect(event.flags.contains(.late))
      #expect(event.address.page == textWord.page)
    } else {
      #expect(event.address == textWord)
      #expect(event.size == 8)
      #expect(event.linearAddress == GuestLayout.direct(textWord))
      #expect(event.rip == GuestLayout.kernelBody)
      #expect(event.newValue == StoredValue(low: 0x1234))
      #expect(event.oldValue == StoredValue(low: old))
      #expect(event.flags == [.linearAddress, .rip, .newValue, .oldValue])
    }
  }
}
