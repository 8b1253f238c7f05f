import Addresses
import EPT
import GuestIntegrity

/// Processors that do nothing of what they are asked for.
public struct IdleProcessors: ProcessorControl {
  /// Loads nothing.
  public mutating func loadEPTP(_ pointer: EPTPointer, set: TableSet, on vcpu: Int, by means: SwitchMeans) {}
  /// Invalidates nothing.
  public mutating func invept(_ scope: InvalidationScope, on vcpu: Int) {}
  /// Interrupts nobody.
  public mutating func shootdown(of vcpu: Int, from sender: Int) {}
  /// Counts nothing.
  public mutating func entriesEdited(_ count: Int, by vcpu: Int) {}
  /// Counts nothing.
  public mutating func exit(_ reason: ExitReason, on vcpu: Int) {}
  /// Counts nothing.
  public mutating func driverStores(_ count: Int, refused: Int, nodesVisited: Int, on vcpu: Int) {}
  /// Counts nothing.
  public mutating func treeNodesVisited(_ count: Int, on vcpu: Int) {}
}

/// A guest of 128 MiB whose driver has protected half of 16384 pages in runs of eight, and stores of 8 bytes to protected
/// pages, each with the EPT violation that it met.
public final class NotificationWorkload {
  /// The hypervisor that is told of the violations.
  public let hypervisor: Hypervisor<IdleProcessors>
  /// Where its alerts go.
  public let ring: AlertRing
  /// The stores, and why each was refused.
  public let refused: [(store: Store, violation: EPTViolation)]

  private static let code = pages(0x800, 1)
  private static let data = pages(0x801, 4)
  private static let nodes = pages(0x810, 256)
  private static let protected: UInt64 = 0x1000
  private static let linear = GuestLinearAddress(0xffff_ffff_c000_0000)

  /// An armed guest.
  public init() {
    let ram: UInt64 = 128 << 20
    var configuration = Configuration(switching: .eptpByVMFUNC)
    configuration.ringCapacity = 1024
    guard let memory = HostMemory(byteCount: Hypervisor<IdleProcessors>.hostBytes(ramBytes: ram)),
      let hypervisor = try? Hypervisor(
        memory: memory, ramBytes: ram, vcpus: 1, configuration: configuration, processors: IdleProcessors())
    else { fatalError("no guest of \(ram) bytes can be had") }
    self.hypervisor = hypervisor
    ring = hypervisor.alerts(of: 0)

    func call(_ number: HypercallNumber, _ arguments: UInt64..., at offset: UInt64 = 0x300) {
      let arguments = arguments + [UInt64](repeating: 0, count: 4)
      let result = hypervisor.hypercall(
        Hypercall(
          number: number.rawValue, rdi: arguments[0], rsi: arguments[1], rdx: arguments[2], r10: arguments[3],
          rip: GuestLinearAddress(Self.linear.rawValue + offset),
          ripAddress: GuestPhysicalAddress(Self.code.first.address.rawValue + offset)),
        on: 0)
      precondition(result == .success, "the hypercall \(number) failed: \(result)")
    }
    call(
      .initialise, PackedRange(Self.code)?.rawValue ?? 0, PackedRange(Self.data)?.rawValue ?? 0,
      Self.linear.rawValue + 0x100, Self.linear.rawValue + 0x200)
    call(.enter, at: 0x100)
    call(.donateNode, Self.nodes.first.rawValue, Self.nodes.count)
    for run in UInt64(0)..<1024 { call(.protect, Self.protected + 16 * run, 8, 0x7, run % 100 + 1) }
    call(.exit, at: 0x200)

    var machine = EPTMachine(memory: hypervisor.memory, eptp: hypervisor.eptp(of: .normal))
    refused = (0..<4096).map { (index: UInt64) in
      let page = Self.protected + 16 * (index * 389 % 1024) + index % 8
      let address = GuestPhysicalAddress(page << 12 | index * 8 & 0xff8)
      guard case .violation(let violation) = machine.access(GuestAccess(address, .dataWrite)) else {
        fatalError("a store to a protected page is not refused")
      }
      return (Store(vcpu: 0, address: address, size: 8, value: StoredValue(low: index)), violation)
    }
  }

  private static func pages(_ first: UInt64, _ count: UInt64) -> PageRange {
    PageRange(first: GuestPageNumber(first), count: count) ?? PageRange(page: GuestPageNumber(first))
  }

  /// From the violation to the alert in the consumer's hands, on one thread, for `range` of the stores.
  @inline(never)
  public func notify(_ range: Range<Int>) -> UInt64 {
    let ring = ring
    let hypervisor = hypervisor
    return refused.withUnsafeBufferPointer { refused in
      var sum: UInt64 = 0
      for index in range {
        let verdict = hypervisor.handle(refused[index].store, violation: refused[index].violation)
        guard verdict.isAlert, let event = ring.next() else { fatalError("a protected store raised no alert") }
        sum &+= event.address.rawValue &+ event.newValue.low
      }
      return sum
    }
  }

  /// Look-ups of the pages of `range` of the stores in the tree of monitored pages.
  @inline(never)
  public func lookUp(_ range: Range<Int>) -> UInt64 {
    let tree = hypervisor.tree
    return refused.withUnsafeBufferPointer { refused in
      var sum: UInt64 = 0
      for index in range { sum &+= UInt64(tree.find(refused[index].store.address.page).actions.rawValue) }
      return sum
    }
  }
}
