import Addresses
import EPT
import GuestIntegrity

/// The processors of a scripted machine: an emulated MMU and registers for each vCPU, and what the hypervisor asks of them.
public struct MachineProcessors: ProcessorControl {
  /// The MMU of each vCPU.
  public internal(set) var machines: [EPTMachine]
  /// The registers of each vCPU.
  public var registers: [GuestRegisters]
  /// Vectors of interrupts that wait to be let in, by vCPU.
  public internal(set) var pending: [[UInt8]]
  /// Whether the hypervisor holds interrupts back, by vCPU.
  public internal(set) var holdsInterrupts: [Bool]
  /// How often vCPUs left the guest, by reason.
  public private(set) var exits: [ExitReason: Int] = [:]
  /// How often an EPTP was put in force, by means.
  public private(set) var switches: [SwitchMeans: Int] = [:]
  /// How many INVEPTs were executed.
  public private(set) var invalidations = 0
  /// How many times a vCPU was interrupted to execute one.
  public private(set) var shootdowns = 0
  private let memory: HostMemory.View

  init(memory: HostMemory.View, registers: [GuestRegisters]) {
    self.memory = memory
    self.registers = registers
    machines = [EPTMachine](repeating: EPTMachine(), count: registers.count)
    pending = registers.map { _ in [] }
    holdsInterrupts = registers.map { _ in false }
  }

  public mutating func loadEPTP(_ pointer: EPTPointer, set: TableSet, on vcpu: Int, by means: SwitchMeans) {
    machines[vcpu].eptp = pointer
    machines[vcpu].eptpIndex = UInt16(set.rawValue)
    switches[means, default: 0] += 1
  }
  public mutating func invept(_ scope: InvalidationScope, on vcpu: Int) { invalidations += 1 }
  public mutating func shootdown(of vcpu: Int, from sender: Int) { shootdowns += 1 }
  public mutating func entriesEdited(_ count: Int) {}
  public mutating func exit(_ reason: ExitReason, on vcpu: Int) { exits[reason, default: 0] += 1 }
  public mutating func driverStores(_ count: Int, refused: Int, on vcpu: Int) {}
  public mutating func treeNodesVisited(_ count: Int, on vcpu: Int) {}
  public func contextRegisters(of vcpu: Int) -> ContextRegisters? { registers[vcpu].context }
  public mutating func setContextRegisters(_ context: ContextRegisters, of vcpu: Int) {
    registers[vcpu].context = context
    machines[vcpu].guest.cr3 = context.cr3
  }
  public mutating func holdInterrupts(_ hold: Bool, on vcpu: Int) { holdsInterrupts[vcpu] = hold }

  public mutating func takeModificationLog(of vcpu: Int) -> [GuestPhysicalAddress] {
    let machine = machines[vcpu]
    // Entries lie above the index, which wraps below 0 when the log is full; the oldest is the last slot.
    let first = Int(machine.logIndex &+ 1) & 0xffff
    defer { machines[vcpu].logIndex = 511 }
    guard first <= 511 else { return [] }
    return (first...511).reversed().map { slot in
      GuestPhysicalAddress(memory.load(HostPhysicalAddress(machine.logAddress.rawValue + UInt64(slot) * 8)))
    }
  }
}
