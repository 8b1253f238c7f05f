import Addresses
import EPT
import MonitorTree

@testable import GuestIntegrity

/// Sequences of hypercalls, entries and stores on two vCPUs, from a driver that may be anybody.
struct HypercallFuzz: FuzzTarget {
  private static let pages: UInt64 = 2048
  private static let linear: UInt64 = 0xffff_ffff_c000_0000
  private static let code: UInt64 = 0x80 << 12

  var seeds: [[UInt8]] {
    let arm: [UInt8] = [0x80]
    return [UInt8](0..<10).flatMap { number in
      [arm + [number, 0, 0, 0], arm + [1, 0, 0, 0] + [number, 0x21, 1, 3], [number, 1, 2, 3, number, 0, 1, 0]]
    }
  }

  func read(_ input: UnsafeRawBufferPointer) {
    var numbers = InputNumbers(input)
    let setup = numbers.next(UInt8.self)
    let switchings: [any Switching] = [.toggleWriteBits, .eptpByExit, .eptpByVMFUNC, .filterByMode]
    let switching = switchings[Int(setup & 0x7f) % switchings.count]
    var configuration = Configuration(switching: switching)
    configuration.allowsShutdown = setup & 0x40 != 0
    let ram = Self.pages << 12
    guard let memory = HostMemory(byteCount: Hypervisor<SilentProcessors>.hostBytes(ramBytes: ram) + 1 << 16) else {
      fatalError("no memory")
    }
    let hypervisor: Hypervisor<SilentProcessors>
    do {
      hypervisor = try Hypervisor(
        memory: memory, ramBytes: ram, vcpus: 2, configuration: configuration, processors: SilentProcessors())
    } catch { fatalError("no machine: \(error)") }
    if setup & 0x80 != 0 { arm(hypervisor) }
    var calls = 0
    while !numbers.isEmpty, calls < 64 {
      step(hypervisor, &numbers)
      calls += 1
    }
    precondition(hypervisor.audit() == [])
    for vcpu in 0..<2 where hypervisor.mode(of: vcpu) == .normal {
      precondition(hypervisor.activeSet(of: vcpu) != .integrity, "normal mode on the integrity set")
    }
  }

  private func call(
    _ number: HypercallNumber, _ rdi: UInt64, _ rsi: UInt64, _ rdx: UInt64, _ r10: UInt64, at offset: UInt64
  )
    -> Hypercall
  {
    Hypercall(
      number: number.rawValue, rdi: rdi, rsi: rsi, rdx: rdx, r10: r10, rip: GuestLinearAddress(Self.linear + offset),
      ripAddress: GuestPhysicalAddress(Self.code + offset))
  }

  private func arm(_ hypervisor: Hypervisor<SilentProcessors>) {
    for call in [
      call(.initialise, 0x80 << 12 | 1, 0x81 << 12 | 2, Self.linear + 0x100, Self.linear + 0x200, at: 0x300),
      call(.enter, 0, 0, 0, 0, at: 0x100), call(.donateNode, 0x90, 16, 0, 0, at: 0x300),
      call(.protect, 0x100, 40, 3, 1, at: 0x300), call(.exit, 0, 0, 0, 0, at: 0x200),
    ] { _ = hypervisor.hypercall(call, on: 0) }
  }

  /// A register: small, near what matters, or any.
  private func register(_ numbers: inout InputNumbers) -> UInt64 {
    let kind = numbers.next(UInt8.self)
    switch kind >> 5 {
    case 0: return UInt64(kind & 31)
    case 1: return 0x78 + UInt64(kind & 31)
    case 2: return 0x100 + UInt64(kind & 31) * 8
    case 3: return (0x78 + UInt64(kind & 31)) << 12 | 1
    case 4: return Self.pages - UInt64(kind & 7)
    case 5: return UInt64(numbers.next(UInt16.self))
    case 6: return 1 << UInt64(numbers.next(UInt8.self) & 63)
    default: return numbers.next()
    }
  }

  private func step(_ hypervisor: Hypervisor<SilentProcessors>, _ numbers: inout InputNumbers) {
    let kind = numbers.next(UInt8.self)
    let vcpu = Int(kind >> 7)
    switch kind & 15 {
    case 10:
      let page = GuestPageNumber(register(&numbers))
      switch numbers.next(UInt8.self) & 3 {
      case 0: try? hypervisor.unmap(page, on: vcpu)
      case 1: try? hypervisor.map(page, on: vcpu)
      default: try? hypervisor.move(page, on: vcpu)
      }
    case 11:
      let store = GuestIntegrity.Store(
        vcpu: vcpu, address: GuestPhysicalAddress(register(&numbers) << 12 | UInt64(numbers.next(UInt8.self))),
        size: Int(numbers.next(UInt8.self)))
      _ = hypervisor.handleDeviceStore(store)
    case 12: hypervisor.reset()
    default:
      let all = HypercallNumber.allCases
      let number = all[Int(kind & 15) % all.count]
      let offset: UInt64 = number == .enter ? 0x100 : number == .exit ? 0x200 : 0x300
      var call = call(
        number, register(&numbers), register(&numbers), register(&numbers) & 0x3ff, register(&numbers), at: offset)
      if kind & 0x40 != 0 { call.ripAddress = GuestPhysicalAddress(register(&numbers) << 12) }
      if kind & 0x20 != 0 { call.rflags = numbers.next() }
      _ = hypervisor.hypercall(call, on: vcpu)
    }
  }
}

/// Processors that do as they are told and remember nothing.
struct SilentProcessors: ProcessorControl {
  mutating func loadEPTP(_ pointer: EPTPointer, set: TableSet, on vcpu: Int, by means: SwitchMeans) {}
  mutating func invept(_ scope: InvalidationScope, on vcpu: Int) {}
  mutating func shootdown(of vcpu: Int, from sender: Int) {}
  mutating func entriesEdited(_ count: Int, by vcpu: Int) {}
  mutating func exit(_ reason: ExitReason, on vcpu: Int) {}
  mutating func driverStores(_ count: Int, refused: Int, nodesVisited: Int, on vcpu: Int) {}
  mutating func treeNodesVisited(_ count: Int, on vcpu: Int) {}
}
