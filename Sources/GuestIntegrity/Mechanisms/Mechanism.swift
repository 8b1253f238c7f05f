/// What a strategy is made of, as far as the hypervisor and the processors are concerned: three choices, each independent
/// of the others.
///
/// Each is a protocol that the built-in choices conform to as well, so that whoever brings a choice of their own combines it
/// with any of these. Choices act where a mode changes and where a store has been refused, never at a store that passes.
public struct Mechanism: Sendable {
  /// How integrity mode changes what may be written.
  public var switching: any Switching
  /// How a write is noticed.
  public var noticing: any Noticing
  /// How it is completed.
  public var completion: any Completion

  /// A mechanism from its choices.
  public init(
    switching: any Switching, noticing: any Noticing = .violationExit, completion: any Completion = .emulate
  ) {
    self.switching = switching
    self.noticing = noticing
    self.completion = completion
  }

  /// The names of its choices: what tells it from others, also on another host.
  var names: MechanismNames {
    MechanismNames(switching: switching.name, noticing: noticing.name, completion: completion.name)
  }
  /// The table sets that there are.
  var sets: [TableSet] {
    [.normal] + (switching.usesTwoSets ? [.integrity] : []) + (completion.openView == nil ? [] : [.open])
  }
  /// Whether the guest executes VMFUNC leaf 0, to switch or to complete a store.
  public var usesVMFUNC: Bool { switching.isByVMFUNC || completion.openView == .guest }
}

extension Mechanism: Hashable {
  /// Whether the three choices have the same names.
  public static func == (a: Self, b: Self) -> Bool { a.names == b.names }
  /// Hashes the three names.
  public func hash(into hasher: inout Hasher) { hasher.combine(names) }
}

/// The three choices of a mechanism by name.
struct MechanismNames: Hashable {
  var switching: String
  var noticing: String
  var completion: String
}
