/// How much of an overhead rests on what, in per cent; what a strategy spares counts as what it spends.
public struct OverheadEvidence: Codable, Equatable, Sendable {
  /// Walks and second-level TLB hits, which the modelled caches count.
  public var simulated: Double
  /// Counts of events at published costs, or such as follow from published ones.
  public var published: Double
  /// Counts of events at costs measured on the machine that the profile names.
  public var measured: Double
  /// Counts of events at assumed costs.
  public var assumed: Double

  private static let simulatedCosts: Set<CostParameter> = [
    .l1Reference, .l2Reference, .l3Reference, .dramReference, .stlbHit, .refillWalk,
  ]

  /// The parts of a price; nil where it is nothing.
  init?(of form: LinearForm, costs: [CycleProfile.Parameter]) {
    (simulated, published, measured, assumed) = (0, 0, 0, 0)
    for cost in costs {
      let part = abs(form[cost.name] * cost.value)
      switch cost.tag {
      case _ where Self.simulatedCosts.contains(cost.name): simulated += part
      case .published, .derived: published += part
      case .measured: measured += part
      case .assumed: assumed += part
      }
    }
    let whole = simulated + published + measured + assumed
    guard whole > 0 else { return nil }
    for path in [\Self.simulated, \.published, \.measured, \.assumed] { self[keyPath: path] *= 100 / whole }
  }
}
