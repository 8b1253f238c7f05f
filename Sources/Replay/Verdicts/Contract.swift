/// What a strategy promises: only strategies that promise the same are ranked against each other.
public enum Contract: String, CaseIterable, Codable, Sendable, CodingKeyRepresentable {
  /// Every store to a monitored page is noticed before its effect, with its value, whatever the guest does.
  case sound
  /// The same as long as the guest keeps to its own part: the driver's entry, other vCPUs.
  case soundInGuest = "sound-in-guest"
  /// Writes are found after their effect, without values.
  case detectionOnly = "detection-only"
}

extension Strategy {
  /// What the strategy promises.
  public var promise: Contract {
    if contract == .pagesSinceDrain { return .detectionOnly }
    return sound.value ? .sound : .soundInGuest
  }
}
