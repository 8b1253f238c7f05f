import GuestIntegrity

extension Strategy {
  /// A view of its own for integrity mode; each refused store waits until a tool outside the hypervisor has answered, and is
  /// then emulated.
  public static let vmEvent = Strategy(
    name: "vm-event",
    summary: "as eptp-exit; a tool outside the hypervisor is asked about each refused store, which is then emulated",
    mechanism: Mechanism(switching: .eptpByExit, noticing: .outsideAnswer),
    sound: Soundness(value: true, reason: "as eptp-exit; the vCPU waits for the tool's answer"))

  /// The same; the store is completed by one step of the guest in an open view.
  public static let vmEventStep = Strategy(
    name: "vm-event-step",
    summary: "as vm-event; the store is completed by one step in an open view (monitor trap flag)",
    mechanism: Mechanism(switching: .eptpByExit, noticing: .outsideAnswer, completion: .singleStep),
    sound: Soundness(
      value: true, reason: "as vm-event; the open view belongs to the stepping vCPU alone, for one instruction"))
}
