import Addresses
import GuestIntegrity
import MonitorTree

// Attacks by plain stores, of this vCPU, of another one, or of a device.
extension Attack {
  static let patchDriverCode = Attack("A3", "malware patches driver code", groundTruth: "GI code changed") { machine in
    machine.changes(Target.code) { Malware(machine).store(Target.value, at: Target.code) }
  }

  static let editDriverData = Attack("A4", "malware edits driver data", groundTruth: "GI data changed") { machine in
    machine.changes(Target.data) { Malware(machine).store(Target.value, at: Target.data) }
  }

  static let editTree = Attack(
    "A5", "malware overwrites the nodes of the tree with zeros", groundTruth: "kernel text is not protected any more"
  ) { machine in
    let malware = Malware(machine)
    var outcome = StepOutcome.done
    for page in GuestLayout.nodes.pages {
      for line in UInt64(0)..<64 {
        malware.run()
        let address = GuestPhysicalAddress(page.address.rawValue + line * 64)
        outcome = machine.store(
          bytes: [UInt8](repeating: 0, count: 64), at: GuestLayout.direct(address), on: malware.vcpu)
      }
    }
    return AttackResult(achieved: !machine.isProtected(GuestLayout.text.first), note: outcome.note)
  }

  static let redirectRoot = Attack(
    "A6", "malware writes to where the hypervisor keeps tables and the base pointer",
    groundTruth: "a word above guest memory changed, or walks start elsewhere"
  ) { machine in
    let malware = Malware(machine)
    let before = machine.hypervisor.tree.snapshot
    let window = GuestLinearAddress(GuestLayout.malwareMap + 0x2000)
    var changed = false
    for page in UInt64(0)..<64 {
      let frame = GuestLayout.ramBytes + page << 12
      malware.store(frame | 0x63, at: malware.entry(for: window, level: 1))
      machine.invalidatePage(window, on: malware.vcpu)
      let words = (0..<4).map { machine.memory.load(.init(frame + $0 * 1024)) }
      for word in UInt64(0)..<4 {
        malware.store(Target.value, atLinear: GuestLinearAddress(window.rawValue + word * 1024))
      }
      changed = changed || words != (0..<4).map { machine.memory.load(.init(frame + $0 * 1024)) }
    }
    return AttackResult(
      achieved: changed || machine.hypervisor.tree.snapshot != before, note: "mapped by no table set")
  }

  static let writeFromOtherVCPU = Attack(
    "A11", "while the driver is in integrity mode, another vCPU writes GI data", groundTruth: "GI data changed"
  ) { machine in
    let driver = GIDriver(machine, on: 0)
    return driver.window {
      driver.store(1, at: GuestLayout.driverData(page: 0, offset: 0x180))
      return machine.changes(Target.data) { Malware(machine, on: 1).store(Target.value, at: Target.data) }
    }
  }

  static let writeByDevice = Attack(
    "A12", "a device is told to store into kernel text", groundTruth: "kernel text changed"
  ) { machine in
    machine.changes(Target.text) {
      machine.deviceStore([0xde, 0xad, 0xbe, 0xef], at: Target.text) ? .done : .blocked
    }
  }

  static let corruptTree = Attack(
    "A16", "nodes corrupted past all protection lead in circles and outside memory; then kernel text is written",
    groundTruth: "kernel text changed without an alert"
  ) { machine in
    let base = machine.hypervisor.tree.snapshot
    // Every word of the base node refers to the base itself, or to a page that does not exist.
    for word in UInt64(0)..<512 {
      let value = word % 2 == 0 ? base.rawValue : .max
      machine.setWord(value, at: GuestPhysicalAddress(base.pageNumber.address.rawValue + word * 8))
    }
    return machine.changes(Target.text) { Malware(machine).store(Target.value, at: Target.text) }
  }

  static let runIntoRange = Attack(
    "A19", "a store starts before protected bytes and runs into them", groundTruth: "protected bytes changed",
    setup: {
      let page = GuestPageNumber(GuestLayout.kernelData.first.rawValue + 8)
      let first = page.address.rawValue + 0x100
      $0.configuration.regionBytes[RegionID(6)] = [first..<first + 0x80]
      $0.alsoProtects = [(PageRange(page: page), 6)]
    }
  ) { machine in
    let page = GuestPageNumber(GuestLayout.kernelData.first.rawValue + 8)
    let malware = Malware(machine)
    return machine.changes(GuestPhysicalAddress(page.address.rawValue + 0x100)) {
      let start = GuestPhysicalAddress(page.address.rawValue + 0xf8)
      return machine.store(bytes: (1...16).map { $0 }, at: GuestLayout.direct(start), on: malware.vcpu)
    }
  }

  static let straddlePages = Attack(
    "A20", "a store crosses from an unprotected page into a protected one", groundTruth: "kernel text changed"
  ) { machine in
    let malware = Malware(machine)
    let first = GuestLayout.text.first.address.rawValue
    return machine.changes(GuestPhysicalAddress(first)) {
      machine.store(
        bytes: [UInt8](repeating: 0xe9, count: 8), at: GuestLayout.direct(GuestPhysicalAddress(first - 4)),
        on: malware.vcpu)
    }
  }
}
