/// Why the processor left the guest.
public enum ExitReason: UInt8, Hashable, Sendable {
  /// VMCALL (18).
  case hypercall
  /// EPT violation (48).
  case eptViolation
  /// VMFUNC that the processor refused (59).
  case vmfunc
  /// Monitor trap flag (37): the instruction that was let through has been executed.
  case monitorTrap
  /// Page-modification log full (62).
  case modificationLogFull
  /// Non-maskable interrupt (0).
  case nonMaskableInterrupt
  /// Load of a control register (28).
  case controlRegister
  /// SPP-related event (66): the sub-page permission table does not lead to a vector.
  case subPage
}

/// How an EPTP gets into force on a vCPU.
public enum SwitchMeans: UInt8, Hashable, Sendable {
  /// The hypervisor writes the VMCS field, in an exit.
  case vmcsWrite
  /// The guest executes VMFUNC leaf 0.
  case vmfunc
}
