import Addresses
import EPT
import MonitorTree

@testable import GuestIntegrity
@testable import ScriptedGuest

/// Programs of a whole machine with two or three virtual processors and caches that keep all they may: instructions of kernel, malware and driver,
/// windows of integrity mode, changes of what is protected, pages that move, interrupts.
struct MachineFuzz: FuzzTarget {
  var seeds: [[UInt8]] {
    var seeds: [[UInt8]] = [[0, 0, 0, 0x20, 1, 2, 3, 0x40, 0, 1, 1, 0x45, 7, 7, 7, 1]]
    for setup in UInt8(0)..<6 {
      var seed = [setup]
      for step in UInt8(0)..<30 { seed += [step &* 29, step &* 53, step, 0] }
      seeds.append(seed)
    }
    return seeds
  }

  func read(_ input: UnsafeRawBufferPointer) {
    var numbers = InputNumbers(input)
    let setup = numbers.next(UInt8.self)
    let mechanisms: [Mechanism] = [
      .init(switching: .eptpByExit), .init(switching: .filterByMode), .init(switching: .eptpByVMFUNC),
      .init(switching: .eptpByVMFUNC, noticing: .virtualizationException, completion: .viewSwitch),
      .init(switching: .eptpByExit, noticing: .subPagePermissions),
      .init(switching: .eptpByExit, completion: .singleStep),
    ]
    let vcpus = 2 + Int(setup >> 7)
    let machine: GuestMachine
    do {
      machine = try GuestMachine(Configuration(mechanisms[Int(setup & 0x7f) % mechanisms.count]), vcpus: vcpus)
    } catch { fatalError("no machine: \(error)") }
    GIDriver(machine).arm()
    let drivers = (0..<vcpus).map { GIDriver(machine, on: $0) }
    var steps = 0
    while !numbers.isEmpty, steps < 64 {
      step(machine, drivers, &numbers)
      steps += 1
    }
    demand(machine.hypervisor.audit() == [], "\(machine.hypervisor.audit())")
    demand(machine.staleTranslations.isEmpty, "\(machine.staleTranslations)")
    for vcpu in 0..<vcpus where machine.hypervisor.mode(of: vcpu) == .normal {
      // Where the guest completes refused stores itself, it may have put the open set in force: that is its contract.
      let set = machine.hypervisor.activeSet(of: vcpu)
      let isOpen = set == .open && machine.hypervisor.configuration.reachableSets.contains(.open)
      demand(set == .normal || isOpen, "normal mode on \(set)")
    }
  }

  private func page(_ numbers: inout InputNumbers) -> UInt64 {
    let kind = numbers.next(UInt8.self)
    let low = UInt64(kind & 31)
    switch kind >> 5 {
    case 0, 1: return GuestLayout.text.first.rawValue + low * 9
    case 2: return GuestLayout.malware.first.rawValue + low
    case 3: return GuestLayout.code.first.rawValue + low
    case 4: return GuestLayout.pageTables.first.rawValue + low
    case 5: return 0x4000 - low
    case 6: return UInt64(numbers.next(UInt16.self))
    default: return numbers.next()
    }
  }

  private func step(_ machine: GuestMachine, _ drivers: [GIDriver], _ numbers: inout InputNumbers) {
    let kind = numbers.next(UInt8.self)
    let vcpu = Int(kind >> 5) % drivers.count
    let page = page(&numbers)
    let offset = UInt64(numbers.next(UInt16.self))
    let bases = [GuestLayout.directMap, GuestLayout.kernelMap, GuestLayout.moduleMap]
    let linear = GuestLinearAddress(bases[Int(offset >> 12) % 3] &+ page << 12 &+ offset & 0xfff)
    switch kind & 31 {
    case 0, 1: drivers[vcpu].enter()
    case 2, 3: drivers[vcpu].exit()
    case 4, 5:
      guard let range = PageRange(first: GuestPageNumber(page & 0xffff), count: 1 + offset & 0xff) else { return }
      drivers[vcpu].protect(range, AlertActions(rawValue: numbers.next() & 0x11f), region: UInt16(kind & 3) + 1)
    case 6:
      guard let range = PageRange(first: GuestPageNumber(page & 0xffff), count: 1 + offset & 0xff) else { return }
      drivers[vcpu].unprotect(range, region: UInt16(offset & 3))
    case 7: try? machine.hypervisor.move(GuestPageNumber(page), on: vcpu)
    case 8: try? machine.hypervisor.unmap(GuestPageNumber(page), on: vcpu)
    case 9: machine.nonMaskableInterrupt(on: vcpu)
    case 10: machine.interrupt(UInt8(truncatingIfNeeded: offset), on: vcpu)
    case 11: machine.vmfunc(UInt32(offset & 3), on: vcpu)
    case 12: machine.invalidatePage(linear, on: vcpu)
    case 13:
      machine.deviceStore([1, 2, 3], at: GuestPhysicalAddress((page & 0x3fff) << 12 | offset & 0xff0), for: vcpu)
    case 14:
      let actors = [GuestLayout.kernelBody, GuestLayout.malwareBody, GuestLayout.userBody, GuestLayout.driverBody]
      let rip = actors[Int(offset & 3)]
      machine.setRegisters(of: vcpu) { ($0.rip, $0.cpl) = (rip, rip == GuestLayout.userBody ? 3 : 0) }
    case 15: machine.add(offset, to: linear, on: vcpu)
    case 16, 17: _ = machine.load(linear, on: vcpu)
    case 18:
      let number = HypercallNumber.allCases[Int(offset) % HypercallNumber.allCases.count]
      machine.hypercall(number, page, offset, UInt64(numbers.next(UInt16.self)) & 0x31f, offset & 7, on: vcpu)
    default:
      let count = 1 + Int(numbers.next(UInt8.self) & 63)
      machine.store(bytes: (0..<count).map { UInt8(truncatingIfNeeded: $0) }, at: linear, on: vcpu)
    }
  }
}
