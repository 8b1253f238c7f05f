import GuestIntegrity

/// A page-table-switch strategy: three orthogonal choices, and what is known of its soundness.
///
/// A strategy is a value; the loop over stores never looks at it, since it acts only where a store is refused or the
/// integrity mode changes. Any package makes one, of choices that exist or of its own (`Switching`, `Noticing`,
/// `Completion`), and has it replayed and attacked as these are:
///
/// ```swift
/// let stepped = Strategy(
///   name: "vmfunc-step", summary: "as vmfunc; completed by one step in an open view",
///   mechanism: Mechanism(switching: .eptpByVMFUNC, completion: .singleStep),
///   sound: Soundness(value: false, reason: "nobody checks the entry point (attack A9)"))
/// ```
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
  public static let all: [Strategy] = [
    .toggle, .eptpExit, .vmfunc, .filter, .ve, .spp, .pml, .singleStep, .vmEvent, .vmEventStep, .hybrid,
  ]
  /// A strategy by name.
  public static func named(_ name: String) -> Strategy? { all.first { $0.name == name } }

  /// What is wrong with a name that no strategy has, and which was meant; nil for a strategy's.
  package static func complaint(about name: String) -> String? {
    guard named(name) == nil else { return nil }
    return "no strategy is named '\(name)'; \(Nearest.advice(for: name, in: all.map(\.name)))"
  }

  /// Which stores it notices.
  public var contract: NoticingContract { mechanism.noticing.contract }

  /// What of the optional features the modelled processor must have.
  public var features: [CycleProfile.Feature] {
    var features: [CycleProfile.Feature] = []
    if mechanism.usesVMFUNC { features.append(.vmfunc) }
    let noticing = mechanism.noticing.features
    if noticing.contains(.virtualizationExceptions) { features.append(.ve) }
    if noticing.contains(.subPagePermissions) { features.append(.spp) }
    if noticing.contains(.modificationLog) { features.append(.pml) }
    return features
  }

  /// The features of this strategy that a processor lacks.
  public func missingFeatures(on profile: CycleProfile) -> [CycleProfile.Feature] {
    features.filter { !profile.features.contains($0) }
  }
}

extension CycleProfile.Feature {
  /// The feature in the manual's words.
  public var title: String {
    switch self {
    case .vmfunc: "VMFUNC EPTP switching"
    case .ve: "virtualization exceptions"
    case .pml: "page-modification logging"
    case .spp: "sub-page write permissions"
    }
  }
}
