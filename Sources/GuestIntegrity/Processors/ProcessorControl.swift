import Addresses
import EPT

/// What an INVEPT invalidates.
public enum InvalidationScope: Hashable, Sendable {
  /// The translations cached for this EPTP (single-context).
  case single(EPTPointer)
  /// The translations cached for every EPTP (all-context).
  case all
}

/// The acts a hypervisor asks of the processors, and the work it does for them to know of.
///
/// The caller counts them, models caches with them, or checks staleness against them; the hypervisor itself has neither
/// clock nor cache.
public protocol ProcessorControl {
  /// Puts a table set in force on a vCPU.
  mutating func loadEPTP(_ pointer: EPTPointer, set: TableSet, on vcpu: Int, by means: SwitchMeans)
  /// Executes INVEPT on a vCPU.
  mutating func invept(_ scope: InvalidationScope, on vcpu: Int)
  /// Interrupts a vCPU so that it exits and executes the INVEPT that follows.
  mutating func shootdown(of vcpu: Int, from sender: Int)
  /// The hypervisor has written EPT entries, in an exit of this vCPU.
  mutating func entriesEdited(_ count: Int, by vcpu: Int)
  /// A vCPU has left the guest for the hypervisor.
  mutating func exit(_ reason: ExitReason, on vcpu: Int)
  /// The driver has stored eight-byte words through its vCPU's active set; `refused` of them met an EPT violation and
  /// were completed by the hypervisor, whose look-ups read so many tree nodes.
  mutating func driverStores(_ count: Int, refused: Int, nodesVisited: Int, on vcpu: Int)
  /// An act on the way of a refused store that no other call tells of.
  mutating func acted(_ act: Act, on vcpu: Int)
  /// A vCPU has raised #VE in the guest.
  mutating func virtualizationException(on vcpu: Int)
  /// A look-up has read tree nodes.
  mutating func treeNodesVisited(_ count: Int, on vcpu: Int)
  /// The registers that integrity mode replaces; nil where there are none, as in a replay.
  func contextRegisters(of vcpu: Int) -> ContextRegisters?
  /// Loads registers.
  mutating func setContextRegisters(_ registers: ContextRegisters, of vcpu: Int)
  /// Holds maskable interrupts of a vCPU back, or lets those held come.
  mutating func holdInterrupts(_ hold: Bool, on vcpu: Int)
  /// Empties a vCPU's page-modification log and returns what it held, oldest first.
  mutating func takeModificationLog(of vcpu: Int) -> [GuestPhysicalAddress]
  /// A page that the log held has been judged; pages come in the order of the log.
  mutating func judgedLate(_ verdict: Verdict, on vcpu: Int)
}

extension ProcessorControl {
  /// Nothing to note.
  public mutating func acted(_ act: Act, on vcpu: Int) {}
  /// Nothing to note.
  public mutating func virtualizationException(on vcpu: Int) {}
  /// No registers.
  public func contextRegisters(of vcpu: Int) -> ContextRegisters? { nil }
  /// No registers.
  public mutating func setContextRegisters(_ registers: ContextRegisters, of vcpu: Int) {}
  /// No interrupts.
  public mutating func holdInterrupts(_ hold: Bool, on vcpu: Int) {}
  /// No log.
  public mutating func takeModificationLog(of vcpu: Int) -> [GuestPhysicalAddress] { [] }
  /// Nothing to note.
  public mutating func judgedLate(_ verdict: Verdict, on vcpu: Int) {}
}
