import Addresses

/// A VM-entry check that fails: VMfailValid with error 7, "VM entry with invalid control field(s)".
package enum VMEntryFailure: Hashable, Sendable {
  /// "Enable EPT" is 1 and EPTP is bad.
  case eptPointer(EPTPointer.Fault)
  /// These controls are 1 although "enable EPT" is 0.
  case needsEPT(String)
  /// VM-function controls that the processor does not offer are 1.
  case vmFunctions(UInt64)
  /// "EPTP switching" is 1 although "enable EPT" is 0.
  case switchingNeedsEPT
  /// An address is not 4-KiB aligned or has bits beyond MAXPHYADDR.
  case address(String, HostPhysicalAddress)
  /// "Enable VPID" is 1 and the VPID is 0.
  case vpidZero
  /// A control is 1 whose 1-setting this processor does not allow.
  case notOffered(String)
}

extension EPTMachine {
  /// Every VM-entry check on EPT and its companions that fails; empty if VM entry would accept the fields.
  ///
  /// Source: SDM vol. 3C, "VM-Execution Control Fields" under "Checks on VMX Controls". What lies inside the tables and the EPTP list is not
  /// looked at by VM entry.
  package func vmEntryFailures() -> [VMEntryFailure] {
    var failures: [VMEntryFailure] = []
    if controls.has(.enableEPT) {
      failures += eptp.faults(on: capabilities).map { .eptPointer($0) }
    } else {
      let dependent: [(Bool, String)] = [
        (controls.has(.unrestrictedGuest), "unrestricted guest"), (controls.has(.enablePML), "enable PML"),
        (controls.has(.modeBasedExecute), "mode-based execute control for EPT"),
        (controls.has(.subPageWritePermissions), "sub-page write permissions for EPT"),
        (controls.has(.processorTraceUsesGPA), "Intel PT uses guest-physical addresses"),
        (controls.pebsUsesGPA, "PEBS uses guest-physical addresses"), (controls.has(.enableHLAT), "enable HLAT"),
        (controls.has(.pagingWrite), "EPT paging-write control"),
        (controls.has(.guestPagingVerification), "guest-paging verification"),
      ]
      failures += dependent.filter(\.0).map { .needsEPT($0.1) }
    }
    if controls.has(.enableVMFunctions) {
      if controls.vmFunctions & ~1 != 0 { failures.append(.vmFunctions(controls.vmFunctions & ~1)) }
      if controls.vmFunctions & 1 != 0 {
        if !controls.has(.enableEPT) { failures.append(.switchingNeedsEPT) }
        failures += misplaced(fields.eptpList, "EPTP-list address")
      }
    }
    if controls.has(.enablePML) { failures += misplaced(fields.pmlAddress, "PML address") }
    if controls.has(.eptViolationVE) {
      failures += misplaced(fields.exceptionInformation, "virtualization-exception information address")
    }
    if controls.has(.subPageWritePermissions) { failures += misplaced(fields.spptp, "SPPTP") }
    if controls.has(.enableVPID) && fields.vpid == 0 { failures.append(.vpidZero) }
    // HLAT paging is not modelled, so the processor is one without it (SDM vol. 3D, IA32_VMX_PROCBASED_CTLS3).
    if controls.has(.enableHLAT) { failures.append(.notOffered("enable HLAT")) }
    return failures
  }

  private func misplaced(_ address: HostPhysicalAddress, _ name: String) -> [VMEntryFailure] {
    address.rawValue & (0xfff | capabilities.physicalAddressWidth.beyond) == 0 ? [] : [.address(name, address)]
  }
}
