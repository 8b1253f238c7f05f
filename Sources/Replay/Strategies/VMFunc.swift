import GuestIntegrity

extension Strategy {
  /// Two table sets; VMFUNC leaf 0 switches without an exit.
  public static let vmfunc = Strategy(
    name: "vmfunc",
    summary: "two table sets; VMFUNC switches without an exit",
    mechanism: Mechanism(switching: .eptpByVMFUNC),
    sound: Soundness(
      value: false,
      reason:
        "a foreign VMFUNC gains nothing, since only GI code is executable in the integrity set, but nobody checks the "
        + "entry point: a jump behind the gate runs GI code with the integrity set (attack A9)"))
}
