import Addresses
import EPT
import GuestIntegrity

/// The processors of a scripted machine: an emulated MMU and registers for each vCPU, and what the hypervisor asks of them.
package struct MachineProcessors: ProcessorControl {
  /// The MMU of each vCPU.
  package internal(set) var machines: [EPTMachine<FlatMemory>]
  /// The registers of each vCPU.
  package var registers: [GuestRegisters]
  /// Vectors of interrupts that wait to be let in, by vCPU.
  package internal(set) var pending: [[UInt8]]
  /// Whether the hypervisor holds interrupts back, by vCPU.
  package internal(set) var holdsInterrupts: [Bool]
  /// Whether INVEPTs that the hypervisor asks of other vCPUs are lost: what a hypervisor that forgot them would do.
  package var losesShootdowns = false
  /// How often vCPUs left the guest, by reason.
  package private(set) var exits: [ExitReason: Int] = [:]
  /// How often an EPTP was put in force, by means.
  package private(set) var switches: [SwitchMeans: Int] = [:]
  /// How many INVEPTs were executed.
  package private(set) var invalidations = 0
  private var interrupted: Set<Int> = []

  init(memory: FlatMemory, registers: [GuestRegisters], cache: Policies.Cache) {
    self.registers = registers
    var policies = Policies()
    policies.cache = cache
    machines = registers.map { _ in EPTMachine(memory: memory, policies: policies) }
    pending = registers.map { _ in [] }
    holdsInterrupts = registers.map { _ in false }
  }

  /// Puts a table set in force on a vCPU.
  package mutating func loadEPTP(_ pointer: EPTPointer, set: TableSet, on vcpu: Int, by means: SwitchMeans) {
    machines[vcpu].eptp = pointer
    machines[vcpu].fields.eptpIndex = UInt16(set.rawValue)
    switches[means, default: 0] += 1
  }

  /// Executes INVEPT on a vCPU.
  package mutating func invept(_ scope: InvalidationScope, on vcpu: Int) {
    if losesShootdowns, interrupted.contains(vcpu) { return }
    invalidations += 1
    switch scope {
    case .single(let pointer): _ = machines[vcpu].invept(type: 1, eptp: pointer)
    case .all: _ = machines[vcpu].invept(type: 2, eptp: machines[vcpu].eptp)
    }
  }

  /// Counts nothing: the INVEPT that follows does the work.
  package mutating func shootdown(of vcpu: Int, from sender: Int) { interrupted.insert(vcpu) }
  /// Counts nothing, as above.
  package mutating func entriesEdited(_ count: Int, by vcpu: Int) {}

  /// Counts nothing: the scripted guest looks at outcomes, not at costs.
  package mutating func exit(_ reason: ExitReason, on vcpu: Int) {
    exits[reason, default: 0] += 1
    interrupted.remove(vcpu)
  }

  /// Counts nothing, as above.
  package mutating func driverStores(_ count: Int, refused: Int, nodesVisited: Int, on vcpu: Int) {}
  /// Counts nothing, as above.
  package mutating func treeNodesVisited(_ count: Int, on vcpu: Int) {}
  /// The registers that entering or leaving integrity mode changes; nil where they are not modelled.
  package func contextRegisters(of vcpu: Int) -> ContextRegisters? { registers[vcpu].context }

  /// Loads the registers that entering or leaving integrity mode changes.
  package mutating func setContextRegisters(_ context: ContextRegisters, of vcpu: Int) {
    registers[vcpu].context = context
    // Other page tables under the same VPID: the hypervisor drops what was cached of the ones before (INVVPID).
    machines[vcpu].guest.cr3 = context.cr3
    machines[vcpu].flushGuestMappings()
  }

  /// Holds the injection of interrupts, or lets it go on.
  package mutating func holdInterrupts(_ hold: Bool, on vcpu: Int) { holdsInterrupts[vcpu] = hold }

  /// Takes what a vCPU's page-modification log holds, and empties it.
  package mutating func takeModificationLog(of vcpu: Int) -> [GuestPhysicalAddress] {
    machines[vcpu].takeModificationLog()
  }
}
