import Addresses
import GuestIntegrity
import MonitorTree

/// The GI driver of the scripted guest: its code page's hypercalls, switches and stores, on one vCPU.
package struct GIDriver {
  let machine: GuestMachine
  let vcpu: Int

  /// The driver on a vCPU of a machine.
  package init(_ machine: GuestMachine, on vcpu: Int = 0) {
    self.machine = machine
    self.vcpu = vcpu
  }

  /// GI_INIT, as the kernel lets the driver do it while it boots.
  @discardableResult
  package func initialise() -> StepOutcome {
    asDriver {
      machine.hypercall(
        .initialise, GuestLayout.code.first.address.rawValue | GuestLayout.code.count,
        GuestLayout.data.first.address.rawValue | GuestLayout.data.count, GuestLayout.entry.rawValue,
        GuestLayout.exit.rawValue, on: vcpu)
    }
  }

  /// Enters integrity mode at the registered address: by hypercall, or by VMFUNC where that is the way.
  @discardableResult
  package func enter() -> StepOutcome {
    machine.setRegisters(of: vcpu) {
      $0.interruptsEnabled = false
      $0.cpl = 0
      $0.rip = GuestLayout.entry
    }
    guard machine.hypervisor.configuration.switching.isByVMFUNC else {
      let outcome = machine.hypercall(.enter, on: vcpu)
      machine.setRegisters(of: vcpu) { $0.rip = GuestLayout.driverBody }
      return outcome
    }
    saved.registers = machine.registers(of: vcpu)
    guard machine.hypervisor.configuration.entersByVMFUNC else {
      let outcome = machine.hypercall(.enter, on: vcpu)
      machine.setRegisters(of: vcpu) { $0.rip = GuestLayout.driverBody }
      return outcome
    }
    let outcome = machine.vmfunc(1, on: vcpu)
    // Nobody has examined or replaced any register: the code behind the gate loads its own stack and page tables.
    machine.loadCR3(GuestLayout.driverTables, on: vcpu)
    machine.setRegisters(of: vcpu) {
      $0.rsp = GuestLayout.driverStack(of: vcpu)
      $0.rip = GuestLayout.driverBody
    }
    return outcome
  }

  /// What a gate without an exit leaves to the driver to keep, on its own stack.
  private final class Saved {
    var registers: GuestRegisters?
  }
  private let saved = Saved()

  /// Leaves integrity mode at the registered address; the kernel goes on.
  @discardableResult
  package func exit() -> StepOutcome {
    machine.setRegisters(of: vcpu) { $0.rip = GuestLayout.exit }
    let outcome: StepOutcome
    if machine.hypervisor.configuration.switching.isByVMFUNC {
      outcome = machine.vmfunc(0, on: vcpu)
      if let registers = saved.registers {
        machine.loadCR3(registers.cr3, on: vcpu)
        machine.setRegisters(of: vcpu) { $0.rsp = registers.rsp }
        saved.registers = nil
      }
    } else {
      outcome = machine.hypercall(.exit, on: vcpu)
    }
    machine.setRegisters(of: vcpu) {
      $0.rip = GuestLayout.kernelBody
      $0.interruptsEnabled = true
    }
    return outcome
  }

  /// One window of integrity mode around what the driver does.
  @discardableResult
  package func window<Result>(_ body: () throws -> Result) rethrows -> Result {
    enter()
    defer { exit() }
    return try body()
  }

  /// GI_DONATE_NODE.
  @discardableResult
  package func donate(_ range: PageRange = GuestLayout.nodes) -> StepOutcome {
    asDriver { machine.hypercall(.donateNode, range.first.rawValue, range.count, on: vcpu) }
  }

  /// GI_PROTECT.
  @discardableResult
  package func protect(_ range: PageRange, _ actions: AlertActions, region: UInt16) -> StepOutcome {
    asDriver {
      machine.hypercall(
        .protect, range.first.rawValue, range.count, UInt64(actions.rawValue), UInt64(region), on: vcpu)
    }
  }

  /// GI_UNPROTECT.
  @discardableResult
  package func unprotect(_ range: PageRange, region: UInt16 = 0) -> StepOutcome {
    asDriver { machine.hypercall(.unprotect, range.first.rawValue, range.count, 0, UInt64(region), on: vcpu) }
  }

  /// GI_SHUTDOWN.
  @discardableResult
  package func shutdown() -> StepOutcome { asDriver { machine.hypercall(.shutdown, on: vcpu) } }

  /// A store of the driver's code.
  @discardableResult
  package func store(_ value: UInt64, at address: GuestLinearAddress) -> StepOutcome {
    asDriver { machine.store(value, at: address, on: vcpu) }
  }

  /// A push of the driver's code: a store at RSP.
  @discardableResult
  package func push(_ value: UInt64) -> StepOutcome {
    asDriver {
      machine.setRegisters(of: vcpu) { $0.rsp &-= 8 }
      return machine.store(value, at: GuestLinearAddress(machine.registers(of: vcpu).rsp), on: vcpu)
    }
  }

  /// Registers, donates and protects: kernel text, read-only data, the interrupt table, and page tables if asked to.
  package func arm(_ actions: AlertActions = [.count, .log, .notify], pageTables: Bool = false) {
    initialise()
    window {
      donate()
      protect(GuestLayout.text, actions, region: 1)
      protect(GuestLayout.rodata, actions, region: 2)
      protect(GuestLayout.syscalls, actions, region: 3)
      protect(GuestLayout.interruptTable, actions, region: 4)
      if pageTables { protect(GuestLayout.pageTables, actions, region: 5) }
    }
  }

  private func asDriver(_ body: () -> StepOutcome) -> StepOutcome {
    machine.setRegisters(of: vcpu) {
      $0.rip = GuestLayout.driverBody
      $0.cpl = 0
    }
    return body()
  }
}
