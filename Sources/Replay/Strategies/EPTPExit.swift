import GuestIntegrity

extension Strategy {
  /// Two table sets; VMCALL exits, the hypervisor writes the EPTP. The patents' design.
  public static let eptpExit = Strategy(
    name: "eptp-exit",
    summary: "two table sets; VMCALL, the hypervisor writes the EPTP",
    mechanism: Mechanism(switching: .eptpByExit),
    sound: Soundness(value: true, reason: "permissions belong to the vCPU's own table set, switched by the hypervisor"))
}
