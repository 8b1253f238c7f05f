import Addresses
import GuestIntegrity
import MonitorTree
import ScriptedGuest
import Testing

@Suite("Integrity mode")
struct IntegrityModeTests {
  static let byExit: [Mechanism] = [
    .init(switching: .toggleWriteBits), .init(switching: .eptpByExit), .init(switching: .filterByMode),
  ]
  let data = GuestLayout.driverData(page: 0, offset: 0x100)

  @Test("runs on the driver's own page tables, stack and interrupt table, a stack a vCPU", arguments: byExit)
  func privateContext(mechanism: Mechanism) throws {
    let machine = try GuestMachine.armed(mechanism)
    var stacks: Set<UInt64> = []
    for vcpu in 0..<2 {
      let driver = GIDriver(machine, on: vcpu)
      let before = machine.registers(of: vcpu)
      driver.enter()
      let inside = machine.registers(of: vcpu)
      #expect(GuestLayout.data.contains(GuestPhysicalAddress(inside.cr3).page))
      #expect(
        GuestLayout.data.contains(try #require(machine.guestTranslation(of: .init(inside.rsp), cr3: inside.cr3)).page))
      #expect(inside.idtBase != before.idtBase)
      stacks.insert(inside.rsp)
      driver.exit()
      let after = machine.registers(of: vcpu)
      #expect(
        (after.cr3, after.rsp, after.idtBase, after.idtLimit) == (
          before.cr3, before.rsp, before.idtBase, before.idtLimit
        ))
    }
    #expect(stacks.count == 2)
  }

  @Test("lets the driver reach what it watches through its own page tables", arguments: Mechanism.every)
  func reach(mechanism: Mechanism) throws {
    let machine = try GuestMachine.armed(mechanism)
    let text = GuestPhysicalAddress(GuestLayout.text.first.address.rawValue + 0x40)
    GIDriver(machine).window {
      #expect(machine.load(GuestLayout.direct(text), on: 0) == .value(machine.word(at: text)))
    }
  }

  @Test("holds maskable interrupts back until it is left", arguments: byExit)
  func heldInterrupts(mechanism: Mechanism) throws {
    let machine = try GuestMachine.armed(mechanism)
    let driver = GIDriver(machine)
    driver.enter()
    // Even if the driver itself opened interrupts by mistake.
    machine.setRegisters(of: 0) { $0.interruptsEnabled = true }
    machine.interrupt(33, on: 0)
    #expect(driver.store(1, at: data) == .done)
    #expect(machine.hypervisor.mode(of: 0) == .integrity)
    #expect(machine.hypervisor.processors.pending[0] == [33])
    driver.exit()
    #expect(machine.hypervisor.processors.pending[0] == [])
    #expect(machine.takeEvents() == [])
  }

  @Test(
    "ends with an alert at an exception, an NMI and a load of CR3, and the normal set is back",
    arguments: Mechanism.every)
  func faults(mechanism: Mechanism) throws {
    let ends: [(IntegrityFault, (GuestMachine) -> Void)] = [
      (.exception, { $0.store(1, at: GuestLinearAddress(0x1_0000_0000), on: 0) }),
      (.nonMaskableInterrupt, { $0.nonMaskableInterrupt(on: 0) }),
      (.controlRegisterWrite, { $0.loadCR3(GuestLayout.pageTables.first.address.rawValue, on: 0) }),
    ]
    for (fault, cause) in ends {
      // A switch without an exit does not have the load intercepted.
      if fault == .controlRegisterWrite, mechanism.switching == .eptpByVMFUNC { continue }
      let machine = try GuestMachine.armed(mechanism)
      let driver = GIDriver(machine)
      driver.enter()
      cause(machine)
      #expect(machine.hypervisor.mode(of: 0) == .normal)
      #expect(machine.hypervisor.activeSet(of: 0) == .normal)
      let events = machine.takeEvents()
      #expect(events.map(\.cause) == [.integrityFault], "\(fault)")
      #expect(events.first?.detail == fault.rawValue)
      // What the driver's code would do next is the act of somebody in normal mode.
      #expect(
        machine.store(1, at: GuestLayout.direct(.init(GuestLayout.data.first.address.rawValue + 0x100)), on: 0) != .done
          || mechanism.isLogged)
    }
  }

  @Test(
    "cannot be used by foreign code: a fetch outside GI code ends it",
    arguments: Mechanism.every.filter { $0.switching.usesTwoSets })
  func foreignFetch(mechanism: Mechanism) throws {
    let machine = try GuestMachine(Configuration(mechanism))
    // A driver that has described no page tables of its own runs on the guest's, which map everything executable.
    machine.poke(0, at: GuestLayout.data.first.address)
    GIDriver(machine).arm()
    machine.setRegisters(of: 0) {
      $0.rip = GuestLayout.entry
      $0.interruptsEnabled = false
    }
    let entry = mechanism.switching == .eptpByVMFUNC ? machine.vmfunc(1, on: 0) : machine.hypercall(.enter, on: 0)
    #expect(entry.isDone)
    #expect(machine.noOperation(on: 0) == .done)
    #expect(machine.hypervisor.mode(of: 0) == .integrity)
    #expect(machine.jump(to: GuestLayout.kernelBody, on: 0) == .done)
    #expect(machine.takeEvents().map(\.detail) == [IntegrityFault.foreignFetch.rawValue])
    #expect(machine.hypervisor.mode(of: 0) == .normal)
  }

  @Test(
    "ends at the first hypercall from a page that was mapped in place of the driver's, and the call is refused",
    arguments: Mechanism.every)
  func remappedExit(mechanism: Mechanism) throws {
    let machine = try GuestMachine(Configuration(mechanism))
    machine.poke(0, at: GuestLayout.data.first.address)
    let driver = GIDriver(machine)
    driver.arm()
    // Integrity mode on the guest's own page tables, also where the driver would load others by itself.
    machine.setRegisters(of: 0) {
      $0.rip = GuestLayout.entry
      $0.interruptsEnabled = false
    }
    #expect((mechanism.switching == .eptpByVMFUNC ? machine.vmfunc(1, on: 0) : machine.hypercall(.enter, on: 0)).isDone)
    #expect(machine.hypervisor.mode(of: 0) == .integrity)
    let copy = GuestLayout.malware.first
    let entry = machine.entryAddress(for: GuestLayout.exit, level: 1, cr3: machine.registers(of: 0).cr3)
    machine.store(copy.address.rawValue | 0x61, at: GuestLayout.direct(entry), on: 1)
    machine.invalidatePage(GuestLayout.exit, on: 0)
    machine.setRegisters(of: 0) { $0.rip = GuestLayout.exit }
    #expect(machine.hypercall(.unprotect, GuestLayout.text.first.rawValue, 1, on: 0) == .answered(.refused(.wrongMode)))
    #expect(machine.hypervisor.mode(of: 0) == .normal)
    #expect(machine.hypervisor.activeSet(of: 0) == .normal)
    let events = machine.takeEvents()
    #expect(events.map(\.cause) == [.integrityFault, .hypercall])
    #expect(events.first?.detail == IntegrityFault.foreignFetch.rawValue)
    #expect(events.first?.address.page == copy)
  }

  @Test("is not what a store of foreign code is judged in, where that code could be fetched", arguments: byExit)
  func foreignStore(mechanism: Mechanism) throws {
    let machine = try GuestMachine(Configuration(mechanism))
    machine.poke(0, at: GuestLayout.data.first.address)
    let driver = GIDriver(machine)
    driver.arm()
    driver.enter()
    machine.setRegisters(of: 0) { $0.rip = GuestLayout.kernelBody }
    let outcome = machine.store(
      5, at: GuestLayout.direct(.init(GuestLayout.data.first.address.rawValue + 0x100)), on: 0)
    // Toggled write bits let the store pass: there is no exit to look at the instruction in.
    #expect(outcome == (mechanism.switching == .toggleWriteBits ? .done : .blocked))
    #expect((machine.hypervisor.mode(of: 0) == .integrity) == (mechanism.switching == .toggleWriteBits))
  }

  @Test(
    "is entered by hypercall and left by VMFUNC where entry is checked",
    arguments: Mechanism.every.filter { $0.switching == .eptpByVMFUNC })
  func checkedEntry(mechanism: Mechanism) throws {
    let machine = try GuestMachine.armed(mechanism) { $0.checksEntry = true }
    let driver = GIDriver(machine)
    let before = machine.registers(of: 0)
    let exits = machine.hypervisor.processors.exits
    driver.enter()
    #expect(machine.hypervisor.activeSet(of: 0) == .integrity)
    #expect(GuestLayout.data.contains(GuestPhysicalAddress(machine.registers(of: 0).cr3).page))
    #expect(machine.hypervisor.processors.holdsInterrupts[0])
    #expect(driver.store(9, at: data) == .done)
    driver.exit()
    #expect(machine.hypervisor.processors.exits == exits.merging([.hypercall: 1]) { $0 + $1 })
    #expect(machine.hypervisor.mode(of: 0) == .normal)
    #expect(!machine.hypervisor.processors.holdsInterrupts[0])
    #expect(machine.registers(of: 0).cr3 == before.cr3 && machine.registers(of: 0).rsp == before.rsp)
    #expect(machine.takeEvents() == [])
    // Nobody enters without being examined, not even at the right place.
    machine.setRegisters(of: 1) {
      $0.rip = GuestLayout.entry
      $0.interruptsEnabled = false
    }
    #expect(machine.vmfunc(1, on: 1) == .fault(6))
    #expect(machine.hypervisor.mode(of: 1) == .normal)
    #expect(machine.takeEvents().map(\.detail) == [Int32(HypercallError.noSuchSet.rawValue)])
    machine.setRegisters(of: 1) {
      $0.rip = GuestLayout.malwareBody
      $0.interruptsEnabled = false
    }
    #expect(machine.hypercall(.enter, on: 1) == .answered(.refused(.wrongEntryAddress)))
  }

  @Test("has no use of the set that its handler completes stores in: foreign code there is a fault")
  func openView() throws {
    let machine = try GuestMachine.armed(
      Mechanism(switching: .eptpByVMFUNC, noticing: .virtualizationException, completion: .viewSwitch))
    machine.setRegisters(of: 1) { $0.rip = GuestLayout.malwareBody }
    #expect(machine.vmfunc(2, on: 1) == .done)
    #expect(machine.hypervisor.activeSet(of: 1) == .open)
    #expect(machine.store(5, at: GuestLayout.direct(GuestLayout.text.first.address), on: 1) == .done)
    #expect(machine.hypervisor.activeSet(of: 1) == .normal)
    #expect(machine.takeEvents().map(\.cause) == [.integrityFault, .protectedPage])
  }

  @Test("ends when its budget is used up", arguments: Mechanism.every)
  func budget(mechanism: Mechanism) throws {
    let machine = try GuestMachine.armed(mechanism) { $0.integrityBudget = 100 }
    let driver = GIDriver(machine)
    driver.window { for value in UInt64(0)..<50 { driver.store(value, at: data) } }
    #expect(machine.takeEvents() == [])
    driver.enter()
    var outcomes: [StepOutcome] = []
    for value in UInt64(0)..<150 { outcomes.append(driver.store(value, at: data)) }
    let events = machine.takeEvents()
    #expect(events.first?.cause == .integrityFault)
    #expect(events.first?.detail == IntegrityFault.budgetOverrun.rawValue)
    #expect(outcomes.prefix(90).allSatisfy { $0 == .done })
    if !mechanism.isLogged { #expect(outcomes.last == .blocked) }
  }

  @Test("is missed when the driver stays away, once each time the limit has passed")
  func silence() throws {
    let machine = try GuestMachine.armed(Mechanism(switching: .eptpByExit)) { $0.silenceLimit = 200 }
    func run(_ instructions: Int) -> Int {
      for _ in 0..<instructions { machine.jump(to: GuestLayout.kernelBody, on: 1) }
      return machine.takeEvents().filter { $0.cause == .silence }.count
    }
    #expect(run(150) == 0)
    GIDriver(machine).window {}
    #expect(run(190) == 0)
    #expect(run(900) == 5)
    // Attempts that are refused do not count as a sign of life.
    machine.setRegisters(of: 1) { $0.rip = GuestLayout.malwareBody }
    machine.hypercall(.enter, on: 1)
    #expect(run(250) >= 1)
  }

  @Test("of two vCPUs is each its own: one leaves, the other stays", arguments: Mechanism.every)
  func twoVCPUs(mechanism: Mechanism) throws {
    let machine = try GuestMachine.armed(mechanism)
    let (first, second) = (GIDriver(machine, on: 0), GIDriver(machine, on: 1))
    first.enter()
    second.enter()
    #expect(first.store(1, at: data) == .done)
    first.exit()
    #expect(machine.hypervisor.mode(of: 0) == .normal)
    #expect(machine.hypervisor.mode(of: 1) == .integrity)
    #expect(second.store(2, at: data) == .done)
    second.exit()
    #expect(machine.takeEvents() == [])
    #expect(
      machine.store(3, at: GuestLayout.direct(.init(GuestLayout.data.first.address.rawValue + 0x100)), on: 1) != .done
        || mechanism.isLogged)
    #expect(!machine.takeEvents().isEmpty)
  }

  @Test(
    "is closed after shutdown and reset, and the guest can start over after a reset only", arguments: Mechanism.every)
  func shutdownAndReset(mechanism: Mechanism) throws {
    let machine = try GuestMachine.armed(mechanism) { $0.allowsShutdown = true }
    let driver = GIDriver(machine)
    driver.enter()
    #expect(driver.shutdown() == .answered(.success))
    // Nothing is there to leave any more: the driver's exit is refused, and only gives the kernel its registers back.
    driver.exit()
    _ = machine.takeEvents()
    let text = GuestLayout.direct(GuestLayout.text.first.address)
    #expect(machine.store(1, at: text, on: 1) == .done)
    #expect(machine.takeEvents() == [])
    #expect(driver.initialise() == .answered(.refused(.alreadyInitialised)))
    _ = machine.takeEvents()
    machine.hypervisor.reset()
    driver.arm()
    #expect(machine.takeEvents() == [])
    machine.store(2, at: text, on: 1)
    #expect(machine.takeEvents().count == 1)
    driver.window { #expect(driver.store(5, at: data) == .done) }
    #expect(machine.hypervisor.audit() == [])
    #expect(machine.staleTranslations.isEmpty)
  }
}
