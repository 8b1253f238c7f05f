import GuestIntegrity

extension Strategy {
  /// One table set; the write bits of GI data are set on entry and cleared, with INVEPT on every vCPU, on exit.
  public static let toggle = Strategy(
    name: "toggle",
    summary: "one table set; write bits of GI data toggled, INVEPT on every vCPU at exit",
    mechanism: Mechanism(switching: .toggleWriteBits),
    sound: Soundness(
      value: false,
      reason: "while one vCPU is in integrity mode every other vCPU can write GI data unnoticed (attack A11)"))
}
