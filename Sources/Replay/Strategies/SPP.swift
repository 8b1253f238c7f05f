import GuestIntegrity

extension Strategy {
  /// Two table sets; sub-page write permissions let stores beside the protected bytes of a page through.
  public static let spp = Strategy(
    name: "spp",
    summary: "as eptp-exit; sub-page permissions let stores beside the protected bytes through",
    mechanism: Mechanism(switching: .eptpByExit, noticing: .subPagePermissions),
    sound: Soundness(
      value: true,
      reason: "as eptp-exit; what sub-page permissions let through touches no 128 bytes that hold a protected one"))
}
