import Addresses
import EPT
import GuestIntegrity
import MonitorTree
import ScriptedGuest
import Testing

@Suite("A noticed write")
struct CompletionTests {
  let word = GuestPhysicalAddress(GuestLayout.text.first.address.rawValue + 0x800)
  var linear: GuestLinearAddress { GuestLayout.direct(word) }
  static let old: UInt64 = 0x1000_0000

  @Test("is performed before the guest's next instruction, by default", arguments: Mechanism.immediate)
  func detect(mechanism: Mechanism) throws {
    let machine = try GuestMachine.armed(mechanism)
    machine.setRegisters(of: 1) { $0.rip = GuestLayout.kernelBody }
    #expect(machine.store(5, at: linear, on: 1) == .done)
    #expect(machine.load(linear, on: 1) == .value(5))
    #expect(machine.takeEvents().count == 1)
  }

  @Test("is not performed with blockWrite, and the guest goes on", arguments: Mechanism.immediate)
  func block(mechanism: Mechanism) throws {
    let machine = try GuestMachine.armed(mechanism, [.log, .blockWrite])
    let before = machine.word(at: word)
    #expect(machine.store(5, at: linear, on: 1) == .blocked)
    #expect(machine.word(at: word) == before)
    #expect(machine.registers(of: 1).rip.rawValue == GuestLayout.kernelBody.rawValue + 7)
    #expect(machine.takeEvents().map { $0.flags.contains(.blocked) } == [true])
  }

  @Test("raises a fault with inject, and is not performed", arguments: Mechanism.immediate)
  func inject(mechanism: Mechanism) throws {
    let machine = try GuestMachine.armed(mechanism, [.notify, .inject])
    let before = machine.word(at: word)
    #expect(machine.store(5, at: linear, on: 1) == .fault(13))
    #expect(machine.word(at: word) == before)
    #expect(machine.registers(of: 1).rip == GuestLayout.kernelBody)
    #expect(machine.takeEvents().count == 1)
  }

  @Test(
    "stops the machine with suspend, powerOff and snapshotThenSuspend, after it was performed",
    arguments: [
      (AlertActions.suspend, MachineState.Run.suspended, 0), (.powerOff, .poweredOff, 0),
      (.snapshotThenSuspend, .suspended, 1), ([.suspend, .powerOff], .poweredOff, 0),
      ([.suspend, .snapshotThenSuspend, .powerOff], .poweredOff, 1),
    ] as [(AlertActions, MachineState.Run, Int)])
  func stop(actions: AlertActions, run: MachineState.Run, snapshots: Int) throws {
    for mechanism in Mechanism.immediate {
      let machine = try GuestMachine.armed(mechanism, actions)
      #expect(machine.store(5, at: linear, on: 1) == .stopped)
      #expect(machine.word(at: word) == 5)
      #expect(machine.hypervisor.machine.run == run)
      #expect(machine.hypervisor.machine.snapshotsRequested == snapshots)
      #expect(machine.noOperation(on: 0) == .stopped)
      #expect(machine.hypercall(.query, 0, on: 0) == .stopped)
      #expect(machine.takeEvents().map(\.actions) == [actions])
    }
  }

  @Test("is not performed when it is blocked and stops the machine")
  func blockAndSuspend() throws {
    let machine = try GuestMachine.armed(Mechanism(switching: .eptpByExit), [.blockWrite, .suspend])
    let before = machine.word(at: word)
    #expect(machine.store(5, at: linear, on: 1) == .stopped)
    #expect(machine.word(at: word) == before)
    #expect(machine.hypervisor.machine.run == .suspended)
  }

  @Test("cuts the network with networkIsolate, and the guest goes on", arguments: Mechanism.every)
  func isolate(mechanism: Mechanism) throws {
    let machine = try GuestMachine.armed(mechanism, .networkIsolate)
    #expect(machine.store(5, at: linear, on: 1) == .done)
    _ = machine.takeEvents()
    #expect(machine.hypervisor.machine.isIsolated)
    #expect(machine.hypervisor.machine.run == .running)
  }

  @Test("after a suspension goes on where the owner resumes the machine")
  func resume() throws {
    let machine = try GuestMachine.armed(Mechanism(switching: .eptpByExit), .suspend)
    #expect(machine.store(5, at: linear, on: 1) == .stopped)
    #expect(machine.hypervisor.resume())
    #expect(machine.load(linear, on: 1) == .value(5))
    let off = try GuestMachine.armed(Mechanism(switching: .eptpByExit), .powerOff)
    off.store(5, at: linear, on: 1)
    #expect(!off.hypervisor.resume())
  }
}
