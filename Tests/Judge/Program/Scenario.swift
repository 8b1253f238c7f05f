import SeededRandom

/// A piece of script that needs nothing before it: it clears memory and sets every control, register and field that it depends on.
struct Scenario: Equatable {
  /// What it is about.
  let kind: ScenarioKind
  /// The processor it is for.
  let processor: Processor
  /// What its random numbers start from.
  let seed: UInt64
  /// Its lines, without the comment that opens it.
  let lines: [String]

  /// The comment that opens it in a script, and what `make judge ONLY=` takes.
  var name: String { "\(kind.rawValue):\(seed)" + (processor == .tigerlake ? "" : "@\(processor.rawValue)") }

  /// The scenario with such a name; nil if it is none.
  init?(named name: Substring) {
    let (place, processor) = Self.cut(name, at: "@")
    let (kind, seed) = Self.cut(place, at: ":")
    guard let kind = ScenarioKind(rawValue: String(kind)), let seed = seed.flatMap({ UInt64($0) }),
      let processor = processor.map({ Processor(rawValue: String($0)) }) ?? .tigerlake, processor.kinds.contains(kind)
    else { return nil }
    self = kind.scenario(seed: seed, on: processor)
  }

  init(kind: ScenarioKind, processor: Processor, seed: UInt64, lines: [String]) {
    self.kind = kind
    self.processor = processor
    self.seed = seed
    self.lines = lines
  }

  private static func cut(_ text: Substring, at mark: Character) -> (Substring, Substring?) {
    guard let index = text.firstIndex(of: mark) else { return (text, nil) }
    return (text[..<index], text[text.index(after: index)...])
  }
}

/// What scenarios are about.
enum ScenarioKind: String, CaseIterable {
  /// Accesses with a guest-physical address, walks of a guest's tables among them.
  case physical
  /// The guest's own two-dimensional walk.
  case linear
  /// A guest of 32 bits without paging.
  case unpaged
  /// Accesses that cross a page.
  case crossing
  /// EPTP switching and virtualization exceptions.
  case switching
  /// Sub-page write permissions.
  case subpage
  /// Shadow-stack accesses.
  case shadow
  /// What the processor reads to deliver an event.
  case event
  /// Stale translations: changes of tables without invalidation.
  case stale
  /// Operands of VM entry, INVEPT and INVVPID.
  case operands
  /// Tables of claims: every entry, every bit.
  case claims

  /// How many of this kind a round has; claims are the same in every round.
  var share: Int {
    switch self {
    case .physical: 160
    case .linear: 200
    case .unpaged: 40
    case .crossing: 100
    case .switching: 60
    case .subpage: 60
    case .shadow: 60
    case .event: 40
    case .stale: 40
    case .operands: 10
    case .claims: ClaimTable.allCases.count
    }
  }

  /// The scenario of this kind with this seed.
  func scenario(seed: UInt64, on processor: Processor = .tigerlake) -> Scenario {
    var writer = ScriptWriter(seed: seed, processor)
    switch self {
    case .physical: writer.writePhysical()
    case .linear: writer.writeLinear()
    case .unpaged: writer.writeUnpaged()
    case .crossing: writer.writeCrossings()
    case .switching: writer.writeSwitching()
    case .subpage: writer.writeSubPages()
    case .shadow: writer.writeShadowStacks()
    case .event: writer.writeEvents()
    case .stale: writer.writeStale()
    case .operands: writer.writeOperands()
    case .claims: writer.writeClaims(ClaimTable.allCases[Int(seed % UInt64(ClaimTable.allCases.count))])
    }
    return Scenario(kind: self, processor: processor, seed: seed, lines: writer.lines)
  }

  /// The scenarios of one round.
  static func round(seed: UInt64, on processor: Processor = .tigerlake) -> [Scenario] {
    processor.kinds.flatMap { kind in
      (0..<UInt64(kind.share)).map { kind.scenario(seed: kind == .claims ? $0 : seed &+ $0, on: processor) }
    }
  }
}
