import GuestIntegrity

extension Strategy {
  /// One table set, never changed; the driver's own stores fault too and are filtered by mode.
  public static let filter = Strategy(
    name: "filter",
    summary: "one table set, never changed; every GI store faults and is filtered by mode",
    mechanism: Mechanism(switching: .filterByMode),
    sound: Soundness(value: true, reason: "no permission is ever lifted; the mode is looked up at each fault"))
}
