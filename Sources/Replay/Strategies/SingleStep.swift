import GuestIntegrity

extension Strategy {
  /// Two table sets; the store is completed by one step of the guest in an open view.
  public static let singleStep = Strategy(
    name: "singlestep",
    summary: "as eptp-exit; the store is completed by one step in an open view (monitor trap flag)",
    mechanism: Mechanism(switching: .eptpByExit, completion: .singleStep),
    sound: Soundness(
      value: true, reason: "as eptp-exit; the open view belongs to the stepping vCPU alone, for one instruction"))
}
