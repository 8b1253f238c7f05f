import MonitorTree

/// What alert actions have done to the virtual machine as a whole.
public struct MachineState: Hashable, Sendable {
  /// Whether the vCPUs run.
  public enum Run: UInt8, Comparable, Hashable, Sendable {
    /// They run.
    case running
    /// Suspended: the owner may resume.
    case suspended
    /// Powered off.
    case poweredOff

    /// Orders by how final it is.
    public static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
  }

  /// Whether the vCPUs run.
  public internal(set) var run = Run.running
  /// Whether the machine is cut off its networks.
  public internal(set) var isIsolated = false
  /// How many snapshots alerts have asked for.
  public internal(set) var snapshotsRequested = 0

  /// What actions do to a store and to the machine; counting, logging and notifying do nothing to either.
  func effect(of actions: AlertActions) -> Verdict.Effect {
    var effect: Verdict.Effect = []
    if actions.contains(.blockWrite) { effect.insert(.blocked) }
    if actions.contains(.inject) { effect.formUnion([.blocked, .faultInjected]) }
    if actions.contains(.networkIsolate) { effect.insert(.isolated) }
    if actions.contains(.snapshotThenSuspend) { effect.formUnion([.snapshot, .suspended]) }
    if actions.contains(.suspend) { effect.insert(.suspended) }
    if actions.contains(.powerOff) { effect.insert(.poweredOff) }
    return effect
  }

  /// Applies what concerns the machine, the strongest last; a guest that is only recorded goes on.
  mutating func apply(_ effect: Verdict.Effect, isRecorded: Bool) {
    guard effect.rawValue > Verdict.Effect.faultInjected.rawValue, !isRecorded else { return }
    if effect.contains(.isolated) { isIsolated = true }
    if effect.contains(.snapshot) { snapshotsRequested += 1 }
    if effect.contains(.suspended) { run = max(run, .suspended) }
    if effect.contains(.poweredOff) { run = .poweredOff }
  }
}
