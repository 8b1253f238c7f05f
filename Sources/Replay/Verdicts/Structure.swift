/// What a model takes for given and no figure tells: a switch of the world, which counts as a bracket does.
public struct Structure: Sendable {
  /// What an INVEPT leaves to be walked for again.
  public enum Refill: String, CaseIterable, Codable, Sendable {
    /// What the replay's TLBs held: the stores of the recording.
    case simulated
    /// A whole second-level TLB: the guest's loads and fetches had filled it.
    case full
  }

  /// Whether the hypervisor flushes the first-level data cache before it goes back into the guest.
  public enum Mitigations: String, CaseIterable, Codable, Sendable {
    /// It does not.
    case off
    /// It does behind each emulated store, on a processor that has L1TF.
    case on
  }

  /// See ``Refill-swift.enum``.
  public var refill: Refill
  /// See ``Mitigations-swift.enum``.
  public var mitigations: Mitigations
  /// Processor and hypervisor.
  public var profile: CycleProfile
  /// In how many choices it differs from the one that headline figures are for.
  public var changes: Int

  /// The choices that differ, in words.
  func name(beside headline: Structure) -> String {
    var words: [String] = []
    if refill != headline.refill { words.append(refill == .full ? "full TLB" : "TLB as simulated") }
    if mitigations != headline.mitigations {
      words.append(mitigations == .on ? "L1D flushed" : "not flushed")
    }
    if profile.hypervisor.name != headline.profile.hypervisor.name {
      words.append("under \(profile.hypervisor.name)")
    }
    return words.isEmpty ? "as given" : words.joined(separator: ", ")
  }
}

/// What whoever asks for a run settles about the world; what is not settled stays open, and verdicts must hold either way.
public struct StructuralChoices: Sendable {
  /// What an INVEPT leaves to be walked for again; nil for open.
  public var refill: Structure.Refill?
  /// Whether the first-level data cache is flushed; nil for open.
  public var mitigations: Structure.Mitigations?
  /// The hypervisors that count besides the profile's; none where one was named.
  public var otherHypervisors: [HypervisorProfile]

  /// Choices; by default nothing but the profile's hypervisor counts, all else is open.
  public init(
    refill: Structure.Refill? = nil, mitigations: Structure.Mitigations? = nil,
    otherHypervisors: [HypervisorProfile] = []
  ) {
    self.refill = refill
    self.mitigations = mitigations
    self.otherHypervisors = otherHypervisors
  }

  /// Every world that they leave open; the first is the one that headline figures are for.
  func structures(on profile: CycleProfile) -> [Structure] {
    let others = otherHypervisors.filter { $0.name != profile.hypervisor.name }.map(profile.under)
    let refills: [Structure.Refill] = refill.map { [$0] } ?? [.simulated, .full]
    // A flush that costs nothing is no choice.
    let isFlushPriced = profile.cost(of: .l1dFlush).high > 0
    let flushes: [Structure.Mitigations] = mitigations.map { [$0] } ?? (isFlushPriced ? [.off, .on] : [.off])
    return ([profile] + others).enumerated().flatMap { i, profile in
      refills.enumerated().flatMap { j, refill in
        flushes.enumerated().map { k, mitigations in
          Structure(
            refill: refill, mitigations: mitigations, profile: profile,
            changes: (i > 0 ? 1 : 0) + (j > 0 ? 1 : 0) + (k > 0 ? 1 : 0))
        }
      }
    }
  }
}
