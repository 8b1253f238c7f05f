/// The overheads of a run under another assumption.
public struct OverheadVariant: Codable, Equatable, Sendable {
  /// What was changed, in words.
  public var name: String
  /// Names of the strategies, cheapest first.
  public var order: [String]
  /// Modelled cycles beyond the same guest unmonitored under the same assumption, by strategy.
  public var overheadCycles: [String: Bracket]

  enum CodingKeys: String, CodingKey {
    case name, order
    case overheadCycles = "overhead_cycles"
  }
}

extension OverheadVariant {
  /// The overheads of strategies whose prices are these under a profile.
  init(name: String, _ strategies: [Strategy], _ prices: [LinearForm], priced profile: CycleProfile) {
    let brackets = prices.map { $0.priced(by: profile) }
    self.name = name
    order = brackets.indices.sorted { (brackets[$0].value, $0) < (brackets[$1].value, $1) }.map { strategies[$0].name }
    overheadCycles = Dictionary(uniqueKeysWithValues: zip(strategies.map(\.name), brackets))
  }
}

/// The box of all brackets and structures that verdicts are held against.
public struct BoxDescription: Codable, Equatable, Sendable {
  /// Points strewn over it.
  public var points: Int
  /// The seed they come from.
  public var seed: UInt64
  /// What an INVEPT leaves to be walked for again, each way that counts.
  public var refill: [Structure.Refill]
  /// Whether the first-level data cache is flushed, each way that counts.
  public var mitigations: [Structure.Mitigations]
  /// The hypervisors that count.
  public var hypervisors: [String]
}

extension BoxDescription {
  /// What structures, points and seed are.
  init(_ structures: [Structure]) {
    points = Box.points
    seed = Box.seed
    func distinct<T: Equatable>(_ values: [T]) -> [T] {
      values.reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
    }
    refill = distinct(structures.map(\.refill))
    mitigations = distinct(structures.map(\.mitigations))
    hypervisors = distinct(structures.map(\.profile.hypervisor.name))
  }
}
