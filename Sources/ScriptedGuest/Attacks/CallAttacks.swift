import Addresses
import GuestIntegrity

// Attacks by hypercalls, or by keeping the driver from making them.
extension Attack {
  static let callForeignly = Attack(
    "A1", "malware issues GI_UNPROTECT", groundTruth: "kernel text is not protected any more"
  ) { machine in
    let malware = Malware(machine)
    let text = GuestLayout.text
    let outcome = machine.hypercall(.unprotect, text.first.rawValue, text.count, 0, 0, on: malware.vcpu)
    return AttackResult(achieved: !machine.isProtected(text.first), note: outcome.note)
  }

  static let enterFromOwnCode = Attack(
    "A2", "malware enters integrity mode from its own code", groundTruth: "GI data changed"
  ) { machine in
    let malware = Malware(machine)
    machine.setRegisters(of: malware.vcpu) { $0.interruptsEnabled = false }
    let entry = machine.switchToIntegrity(on: malware.vcpu)
    return machine.changes(Target.data) {
      let store = machine.store(Target.value, at: GuestLayout.direct(Target.data), on: malware.vcpu)
      return entry.isDone ? store : entry
    }
  }

  static let initialiseFirst = Attack(
    "A15", "malware calls GI_INIT before the driver does",
    groundTruth: "the registered driver is malware, and the genuine one is turned away",
    setup: { $0.isArmed = false }
  ) { machine in
    let malware = Malware(machine)
    let code = PageRange(page: Malware.page)
    let data = PageRange(page: Malware.page(1))
    machine.hypercall(
      .initialise, code.first.address.rawValue | 1, data.first.address.rawValue | 1, GuestLayout.malwareMap + 0x100,
      GuestLayout.malwareMap + 0x200, on: malware.vcpu)
    let genuine = GIDriver(machine).initialise()
    return AttackResult(
      achieved: machine.hypervisor.registration?.code == code, note: "GI_INIT of the genuine driver: \(genuine.note)")
  }

  static let silenceDriver = Attack(
    "A17", "malware keeps the driver from ever running again",
    groundTruth: "the driver has not run for 1000 instructions",
    setup: { $0.configuration.silenceLimit = 500 }
  ) { machine in
    let malware = Malware(machine)
    let entries = machine.hypervisor.counters[.entries]
    for _ in 0..<1000 {
      malware.run()
      machine.noOperation(on: malware.vcpu)
    }
    return AttackResult(
      achieved: machine.hypervisor.counters[.entries] == entries,
      note: "the driver was not entered for 1000 instructions")
  }

  static let switchFromUserMode = Attack(
    "A18", "a user program executes VMFUNC and writes GI data", groundTruth: "GI data changed",
    setup: { $0.prepare = { $0.shareDataWithUser() } }, program: { $0.attackFromUserMode() })

  static let switchUnstripped = Attack(
    "A18b", "the same where the integrity set lets everything be executed", groundTruth: "GI data changed",
    setup: {
      $0.configuration.integrityExecution = .everything
      $0.prepare = { $0.shareDataWithUser() }
    }, program: { $0.attackFromUserMode() })

  static let openViewFromUserMode = Attack(
    "A18c", "the same with VMFUNC into the set in which the driver's handler completes stores",
    groundTruth: "GI data changed",
    setup: { $0.prepare = { $0.shareDataWithUser() } }, program: { $0.attackFromUserMode(set: .open) })
}

extension GuestMachine {
  func isProtected(_ page: GuestPageNumber) -> Bool {
    if case .protected = hypervisor.tree.find(page).answer { true } else { false }
  }

  /// Tries to put the integrity set in force, by whatever way the mechanism has.
  func switchToIntegrity(on vcpu: Int) -> StepOutcome {
    hypervisor.configuration.entersByVMFUNC ? vmfunc(1, on: vcpu) : hypercall(.enter, on: vcpu)
  }

  /// The kernel has mapped a page of GI data where a user program may write, as far as the guest's tables go.
  fileprivate func shareDataWithUser() {
    let entry = entryAddress(
      for: GuestLinearAddress(GuestLayout.userMap + 0x1000), level: 1, cr3: registers(of: 0).cr3)
    setWord(GuestLayout.data.first.address.rawValue | 0x67, at: entry)
  }

  fileprivate func attackFromUserMode(set: TableSet = .integrity) -> AttackResult {
    setRegisters(of: 1) {
      $0.rip = GuestLayout.userBody
      $0.cpl = 3
    }
    let switched = vmfunc(UInt32(set.rawValue), on: 1)
    return changes(Target.data) {
      let linear = GuestLinearAddress(GuestLayout.userMap + 0x1000 + Target.data.pageOffset)
      if !switched.isDone { setRegisters(of: 1) { $0.rip = GuestLayout.userBody } }
      let store = store(Target.value, at: linear, on: 1)
      return switched.isDone ? store : switched
    }
  }
}
