/// What is asked of a machine, and what it grants.
package struct CalibrationRules: Sendable {
  /// What a machine says about `/dev/kvm`.
  package enum KVMDevice: Sendable {
    /// It can be opened.
    case usable
    /// There is none.
    case missing
    /// We may not open it.
    case forbidden
  }

  /// Whether the kernel module is asked for.
  package var wantsModule: Bool
  /// Whether the guests run although they measure nothing.
  package var isFunctional: Bool
  /// Whether a hypervisor is below.
  package var isUnderHypervisor: Bool
  /// What there is of `/dev/kvm`.
  package var device: KVMDevice

  /// A request to a machine.
  package init(wantsModule: Bool, isFunctional: Bool, isUnderHypervisor: Bool, device: KVMDevice) {
    self.wantsModule = wantsModule
    self.isFunctional = isFunctional
    self.isUnderHypervisor = isUnderHypervisor
    self.device = device
  }

  /// Why a part may not run; nil if it may.
  package func refusal(of part: CalibrationPart) -> String? {
    if part != .plain, isUnderHypervisor, !isFunctional {
      return "under a hypervisor exits cost what that makes of them; run this on the machine itself "
        + "(--functional runs it all the same, as no measurement)"
    }
    switch (part, device) {
    case (.plain, _), (.kvm, .usable): return nil
    case (.kvm, .missing):
      return "there is no /dev/kvm; load the module kvm_intel, and see that the firmware has VMX on"
    case (.kvm, .forbidden): return "/dev/kvm may not be opened; join the group kvm, or run this as root"
    case (.module, _): return wantsModule ? nil : "not asked for; run this as root with --module"
    }
  }

  /// Why figures of a part are none of a machine's; nil if they may be.
  ///
  /// Time on a machine spreads; an emulator that counts instructions as time gives most exits the same.
  package func doubt(about report: ProgramReport, of part: CalibrationPart) -> String? {
    guard part != .plain, !isFunctional,
      let roundTrip = report.figure(part == .kvm ? "vmcall" : "exit.vmcall"),
      roundTrip.value == roundTrip.low || roundTrip.value == roundTrip.high
    else { return nil }
    return "half of all round trips took \(roundTrip.value) ticks exactly, as only an emulator's do; "
      + "run this on the machine itself"
  }
}
