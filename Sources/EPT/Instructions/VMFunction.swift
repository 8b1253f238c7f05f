import Addresses

/// What VMFUNC came to.
@frozen
public enum VMFunctionOutcome: Hashable, Sendable {
  /// EPTP switching succeeded: the pointer now in force and the EPTP-index field.
  case switched(EPTPointer, index: UInt16)
  /// A VM exit with basic exit reason 59; EPTP and index are unchanged, and there is no qualification.
  case exit
  /// #UD.
  case undefinedOpcode
}

extension EPTMachine {
  /// Executes VMFUNC in VMX non-root operation, at any privilege level.
  ///
  /// Source: SDM vol. 3C, "VM Functions" and "EPTP Switching". In this order: #UD if VM functions are disabled or EAX is beyond 63; exit if the
  /// function is disabled; exit if ECX is beyond 511; the list entry is read by physical address; exit if it would fail VM entry or has
  /// another walk length; exit while trace output through EPT is being made. A switch never exits by itself.
  @inlinable
  public mutating func vmfunc(eax: UInt32, ecx: UInt32) -> VMFunctionOutcome {
    guard controls.has(.enableVMFunctions), eax <= 63 else { return .undefinedOpcode }
    guard controls.vmFunctions >> UInt64(eax) & 1 != 0, eax == 0, ecx < 512 else { return vmfuncExit() }
    let slot = HostPhysicalAddress((fields.eptpList.rawValue & ~7) &+ UInt64(ecx) &* 8)
    let pointer = EPTPointer(memory.load(slot))
    guard pointer.walkLengthBits == eptp.walkLengthBits, pointer.isValid(on: capabilities),
      !(controls.has(.processorTraceUsesGPA) && guest.traceEnabled)
    else { return vmfuncExit() }
    eptp = pointer
    if capabilities.virtualizationExceptions { fields.eptpIndex = UInt16(truncatingIfNeeded: ecx) }
    // Without VPIDs the switch drops the combined mappings of VPID 0, of every hierarchy.
    if isCaching { passTransition() }
    return .switched(eptp, index: fields.eptpIndex)
  }

  @usableFromInline
  mutating func vmfuncExit() -> VMFunctionOutcome {
    passTransition()
    return .exit
  }
}
