import GuestIntegrity

extension Strategy {
  /// Two table sets, switched by VMFUNC; the driver's own handler is told by #VE and completes the store in an open view.
  public static let ve = Strategy(
    name: "ve",
    summary: "two table sets switched by VMFUNC; #VE to the driver, which completes the store in an open view",
    mechanism: Mechanism(switching: .eptpByVMFUNC, noticing: .virtualizationException, completion: .viewSwitch),
    sound: Soundness(
      value: false,
      reason:
        "the handler's pages hold, but nobody checks the entry point: a jump behind the VMFUNC gate runs GI code with the "
        + "integrity set (attack A9)"))
}
