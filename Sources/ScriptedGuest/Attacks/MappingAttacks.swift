import Addresses
import GuestIntegrity

// Attacks by page tables, registers and interrupts.
extension Attack {
  static let remapEntry = Attack(
    "A7", "malware maps the entry address to a page of its own and enters from there", groundTruth: "GI data changed"
  ) { machine in
    let malware = Malware(machine)
    malware.store(Malware.page(2).address.rawValue | 0x61, at: malware.entry(for: GuestLayout.entry, level: 1))
    machine.invalidatePage(GuestLayout.entry, on: malware.vcpu)
    machine.setRegisters(of: malware.vcpu) {
      $0.rip = GuestLayout.entry
      $0.interruptsEnabled = false
    }
    let entry = machine.switchToIntegrity(on: malware.vcpu)
    return machine.changes(Target.data) {
      let store = machine.store(Target.value, at: GuestLayout.direct(Target.data), on: malware.vcpu)
      return entry.isDone ? store : entry
    }
  }

  static let remapExit = Attack(
    "A7b", "malware maps the driver's exit to a page of its own, and goes on there in integrity mode",
    groundTruth: "GI data changed",
    // A driver that has described no page tables of its own runs on the guest's.
    setup: { $0.prepare = { $0.poke(0, at: GuestLayout.data.first.address) } }
  ) { machine in
    let driver = GIDriver(machine, on: 0)
    driver.enter()
    defer { driver.exit() }
    let malware = Malware(machine, on: 1)
    malware.store(Malware.page(2).address.rawValue | 0x61, at: malware.entry(for: GuestLayout.exit, level: 1))
    machine.invalidatePage(GuestLayout.exit, on: 0)
    // What the vCPU executes there depends on the page it finds.
    let found = machine.guestTranslation(of: GuestLayout.exit, cr3: machine.registers(of: 0).cr3)
    guard found?.page == Malware.page(2) else {
      return AttackResult(achieved: false, note: "the driver ran on its own page tables")
    }
    machine.setRegisters(of: 0) { $0.rip = GuestLayout.exit }
    return machine.changes(Target.data) { machine.store(Target.value, at: GuestLayout.direct(Target.data), on: 0) }
  }

  static let craftRegisters = Attack(
    "A8", "malware jumps to the entry with a stack pointer into GI data",
    groundTruth: "GI data changed by the driver's push"
  ) { machine in
    let driver = GIDriver(machine, on: 1)
    _ = Malware(machine)
    machine.setRegisters(of: 1) { $0.rsp = GuestLayout.driverData(page: 0, offset: 0x108).rawValue }
    return machine.changes(Target.data, otherwise: "the driver pushed onto its own stack") {
      let entry = driver.enter()
      let push = driver.push(Target.value)
      driver.exit()
      return entry.isDone ? push : entry
    }
  }

  static let forgePageTables = Attack(
    "A9", "malware runs the driver on forged page tables, which lead its data to a node of the tree",
    groundTruth: "a node changed", program: { $0.runOnForgedPageTables() })

  static let forgeBehindCheckedGate = Attack(
    "A9b", "the same where integrity mode is entered by hypercall also with VMFUNC, which only leaves it",
    groundTruth: "a node changed", setup: { $0.configuration.checksEntry = true },
    program: { $0.runOnForgedPageTables() })

  static let interruptDriver = Attack(
    "A10", "an interrupt and an NMI run foreign code while the driver is in integrity mode",
    groundTruth: "GI data changed"
  ) { machine in
    let driver = GIDriver(machine, on: 0)
    driver.enter()
    defer { driver.exit() }
    machine.interrupt(32, on: 0)
    driver.store(1, at: GuestLayout.driverData(page: 0, offset: 0x180))
    machine.nonMaskableInterrupt(on: 0)
    return machine.changes(Target.data) {
      // The handler's own code, wherever it stands now.
      machine.store(Target.value, at: GuestLayout.direct(Target.data), on: 0)
    }
  }

  static let unmapProtected = Attack(
    "A13", "the guest's balloon driver gives a protected page away", groundTruth: "kernel text is not mapped any more"
  ) { machine in
    let page = GuestLayout.text.first
    do {
      try machine.hypervisor.unmap(page, on: 1, time: machine.time)
      return AttackResult(achieved: machine.hypervisor.frame(of: page) == nil, note: "the page was unmapped")
    } catch {
      return AttackResult(achieved: machine.hypervisor.frame(of: page) == nil, note: "the page stays mapped")
    }
  }

  static let remapKernel = Attack(
    "A14", "malware maps kernel text to a page of its own; page tables are not protected",
    groundTruth: "the kernel executes malware's page", program: { $0.remapKernelText() })

  static let remapKernelProtected = Attack(
    "A14b", "the same with page tables protected", groundTruth: "the kernel executes malware's page",
    setup: { $0.protectsPageTables = true }, program: { $0.remapKernelText() })

  static let setAccessedFlags = Attack(
    "A21", "an access has the page walk write flags into a protected page table",
    groundTruth: "the protected page table changed",
    setup: {
      $0.protectsPageTables = true
      $0.prepare = { machine in
        let entry = machine.entryAddress(for: GuestLayout.userBody, level: 1, cr3: machine.registers(of: 0).cr3)
        machine.setWord(machine.word(at: entry) & ~0x60, at: entry)
      }
    }
  ) { machine in
    let malware = Malware(machine)
    let entry = malware.entry(for: GuestLayout.userBody, level: 1)
    return machine.changes(entry) { machine.load(GuestLayout.userBody, on: malware.vcpu) }
  }
}

extension GuestMachine {
  /// Maps the 2 MiB of kernel text to malware's pages by one store into the page directory, and looks what is there now.
  fileprivate func remapKernelText() -> AttackResult {
    let malware = Malware(self)
    let large = Malware.page.address.rawValue & ~0x1f_ffff
    malware.store(large | 0xe3, at: malware.entry(for: GuestLayout.kernelBody, level: 2))
    let found = guestTranslation(of: GuestLayout.kernelBody, cr3: registers(of: 0).cr3)
    let achieved = found.map { !GuestLayout.text.contains($0.page) } ?? true
    return AttackResult(
      achieved: achieved, note: achieved ? "the kernel's addresses lead to malware" : "the page tables stand")
  }

  /// Runs the driver's store on page tables that lead its data to the base node; by VMFUNC behind its gate.
  fileprivate func runOnForgedPageTables() -> AttackResult {
    let malware = Malware(self)
    let node = hypervisor.tree.snapshot.pageNumber
    let root = forgePageTables(dataTo: node, by: malware)
    let word = GuestPhysicalAddress(node.address.rawValue + 0x100)
    return changes(word, otherwise: "the driver ran on its own page tables") {
      let driver = GIDriver(self, on: malware.vcpu)
      if hypervisor.configuration.switching.isByVMFUNC { return enterBehindGate(root, by: malware) }
      malware.run()
      loadCR3(root, on: malware.vcpu)
      let entry = driver.enter()
      let store = driver.store(Target.value, at: GuestLayout.driverData(page: 0, offset: 0x100))
      driver.exit()
      return entry.isDone ? store : entry
    }
  }

  /// Builds page tables on malware's pages that map what the kernel's map, except that GI data leads to `page`.
  fileprivate func forgePageTables(dataTo page: GuestPageNumber, by malware: Malware) -> UInt64 {
    let kernel = registers(of: malware.vcpu).cr3
    let linear = GuestLayout.driverData(page: 0, offset: 0)
    // A copy of each table on the path to GI data, led to by the copy above it.
    var next: UInt64?
    for level in 1...4 {
      let copy = Malware.page(UInt64(8 + level))
      let entry = entryAddress(for: linear, level: level, cr3: kernel)
      for word in UInt64(0)..<512 {
        let value = self.word(at: GuestPhysicalAddress(entry.page.address.rawValue + word * 8))
        if value != 0 { malware.store(value, at: GuestPhysicalAddress(copy.address.rawValue + word * 8)) }
      }
      let target = (next ?? page.address.rawValue) | (level == 1 ? 0x63 | 1 << 63 : 0x67)
      malware.store(target, at: GuestPhysicalAddress(copy.address.rawValue + entry.pageOffset))
      next = copy.address.rawValue
    }
    return next ?? kernel
  }

  /// VMFUNC from malware's page, at an address that another vCPU maps to GI code before the next fetch: the driver's code
  /// runs behind its gate, on forged page tables and malware's registers.
  fileprivate func enterBehindGate(_ root: UInt64, by malware: Malware) -> StepOutcome {
    let window = GuestLinearAddress(GuestLayout.moduleMap + 0x2_0000)
    // The instruction behind the VMFUNC is the driver's store.
    let place = GuestLinearAddress(window.rawValue + (GuestLayout.driverBody.rawValue & 0xfff) - Self.instructionBytes)
    let entry = malware.entry(for: window, level: 1, cr3: root)
    malware.store(Malware.page.address.rawValue | 0x61, at: entry)
    malware.run()
    loadCR3(root, on: malware.vcpu)
    setRegisters(of: malware.vcpu) {
      $0.rip = place
      $0.interruptsEnabled = false
    }
    // Where the integrity set is out of reach, the set that the driver's handler completes stores in may not be.
    let hasOpenView = hypervisor.configuration.mechanism.completion.openView == .guest
    let set: TableSet = !hypervisor.configuration.entersByVMFUNC && hasOpenView ? .open : .integrity
    let switched = vmfunc(UInt32(set.rawValue), on: malware.vcpu)
    Malware(self, on: 0).store(GuestLayout.code.first.address.rawValue | 0x61, at: entry)
    guard switched.isDone else { return switched }
    return store(Target.value, at: GuestLayout.driverData(page: 0, offset: 0x100), on: malware.vcpu)
  }
}
