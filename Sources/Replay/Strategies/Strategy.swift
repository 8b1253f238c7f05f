import GuestIntegrity

/// A page-table-switch strategy: three orthogonal choices, and what is known of its soundness.
///
/// A strategy is a value; the loop over stores never looks at it, since it acts only where a store is refused or the
/// integrity mode changes.
public struct Strategy: Sendable, Equatable {
  /// The name that `--strategy` takes.
  public let name: String
  /// One sentence for the help and the reports.
  public let summary: String
  /// How integrity mode changes what may be written, how a write is noticed, and how it is completed.
  public let mechanism: Mechanism
  /// Whether it keeps its promise, and why.
  public let sound: Soundness

  /// A strategy from its choices.
  public init(name: String, summary: String, mechanism: Mechanism, sound: Soundness) {
    self.name = name
    self.summary = summary
    self.mechanism = mechanism
    self.sound = sound
  }

  /// Every strategy, in the order reports list them.
  public static let all: [Strategy] = [.toggle, .eptpExit, .vmfunc, .filter, .ve, .spp, .pml, .singleStep]
  /// Those that a replay of a recording knows; the others run against the scripted attacks only.
  public static let replayed: [Strategy] = [.toggle, .eptpExit, .vmfunc, .filter]

  /// A strategy by name.
  public static func named(_ name: String) -> Strategy? { all.first { $0.name == name } }
}
