import GuestIntegrity

extension Strategy {
  /// Nothing is refused; the page-modification log is drained at every hypercall, and when it is full.
  public static let pml = Strategy(
    name: "pml",
    summary: "nothing is refused; pages written are found when the page-modification log is drained",
    mechanism: Mechanism(switching: .filterByMode, noticing: .modificationLog, completion: .alreadyDone),
    sound: Soundness(
      value: false,
      reason:
        "detection only: late and without the value (attack A3), and not at all once the log has the page, until it is "
        + "drained (attack A11)"))
}
