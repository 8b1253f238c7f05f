extension Strategy {
  /// Two table sets; VMFUNC leaf 0 switches without an exit.
  public static let vmfunc = Strategy(
    name: "vmfunc",
    summary: "two table sets; VMFUNC switches without an exit",
    switching: .eptpByVMFUNC,
    sound: Soundness(
      value: true, reason: "only GI code pages are executable in the integrity set, so a foreign VMFUNC gains nothing"))
}
