import SeededRandom
import Addresses

/// Who a combined mapping belongs to: VPID, PCID and EPTRTA (SDM vol. 3C, "Information That May Be Cached").
@frozen
public struct CombinedContext: Hashable, Sendable {
  /// The VPID; 0 while "enable VPID" is 0.
  public var vpid: UInt16
  /// The PCID, or ``anyPCID`` for a global translation.
  public var pcid: UInt16
  /// The tag of the EPT hierarchy.
  public var tag: EPTRTA

  /// Stands for every PCID: the place of global translations.
  @inlinable public static var anyPCID: UInt16 { 0x1000 }
}

/// A translation that the guest's tables and EPT gave together.
@frozen
public struct CombinedMapping: Hashable, Sendable {
  /// What the guest's tables said; `gpa` is that of the first byte of the mapping.
  public var page: GuestTranslation
  /// How EPT translated it.
  public var walk: EPTWalk
}

/// What a paging-structure cache of combined mappings holds: a guest table, reached, with the rights gathered on the way.
@frozen
public struct CombinedStructure: Hashable, Sendable {
  /// The guest-physical address of the table.
  public var table: GuestPhysicalAddress
  /// How EPT translated it.
  public var walk: EPTWalk
  /// The level of the table's entries.
  public var level: Level
  /// The rights of the entries that led there.
  public var page: GuestTranslation
}

/// A cached translation that an access used.
@frozen
public struct UsedMapping: Hashable, Sendable {
  /// What was cached about this guest-physical address; nil for a paging-structure entry of EPT or a sub-page vector.
  public let gpa: GuestPhysicalAddress?
  /// The walk as it was cached.
  public let walk: EPTWalk?
}

/// The translation caches of one logical processor, as the architecture allows them: guest-physical mappings tagged by EPTRTA, combined mappings
/// tagged by VPID, PCID and EPTRTA, each with translations and paging-structure entries. For correctness, not for speed.
///
/// Sources: SDM vol. 3C, "Caching Translation Information". Never cached: anything from an entry that is not present or misconfigured, or, with
/// accessed and dirty flags enabled, not accessed. What was cached while they were disabled counts as accessed and dirty, so enabling them
/// without INVEPT shows.
public struct TranslationCaches: Sendable {
  /// Tag, level and address prefix of a guest-physical mapping.
  struct PhysicalKey: Hashable, Sendable {
    let tag: EPTRTA
    let level: Level
    let prefix: UInt64
  }

  /// Context, level and address prefix of a combined mapping.
  struct CombinedKey: Hashable, Sendable {
    let context: CombinedContext
    let level: Level
    let prefix: UInt64

    func covers(_ linear: GuestLinearAddress) -> Bool { prefix == linear.rawValue >> level.shift }
  }

  /// Whether the policy caches anything.
  public let isActive: Bool
  /// What the accesses since the last ``beginAccess()`` took from the caches.
  public private(set) var used: [UsedMapping] = []

  private var random: SplitMix64?
  private var translations: [PhysicalKey: EPTWalk] = [:]
  private var structures: [PhysicalKey: WalkStart] = [:]
  private var vectors: [PhysicalKey: UInt64] = [:]
  private var combined: [CombinedKey: CombinedMapping] = [:]
  private var combinedStructures: [CombinedKey: CombinedStructure] = [:]
  /// What is known of the access under way.
  @usableFromInline var current = Current()

  /// The access under way, for when it succeeds.
  @usableFromInline
  struct Current: Sendable {
    /// Where its last walk of the EPT structures began.
    @usableFromInline var start = WalkStart(table: HostPhysicalAddress(0), level: .pml4e, granted: ~0)
    /// That walk did not happen: a cache answered, so there is nothing new to remember.
    var isCached = false
    /// The guest tables reached, each with the level of the entry that led there.
    var trail: [(level: Level, structure: CombinedStructure)] = []
  }

  /// Empty caches under a policy.
  public init(_ policy: Policies.Cache) {
    switch policy {
    case .none: isActive = false
    case .maximal: isActive = true
    case .random(let seed):
      isActive = true
      random = SplitMix64(seed: seed)
    }
  }

  /// How many translations and paging-structure entries are held, guest-physical and combined.
  public var count: Int {
    translations.count + structures.count + vectors.count + combined.count + combinedStructures.count
  }

  /// Forgets what earlier accesses used; called before each access whose freshness is examined.
  public mutating func beginAccess() { used.removeAll(keepingCapacity: true) }

  /// Under `random`, whether this hit is dropped.
  private mutating func drops() -> Bool {
    guard let bits = random?.next() else { return false }
    return bits & 1 != 0
  }

  private static func key(_ tag: EPTRTA, _ level: Level, _ gpa: GuestPhysicalAddress) -> PhysicalKey {
    PhysicalKey(tag: tag, level: level, prefix: gpa.rawValue >> level.shift)
  }

  private static func key(_ context: CombinedContext, _ level: Level, _ linear: GuestLinearAddress) -> CombinedKey {
    CombinedKey(context: context, level: level, prefix: linear.rawValue >> level.shift)
  }
}

// MARK: Guest-physical mappings

extension TranslationCaches {
  /// The cached translation of a guest-physical address, smallest page first.
  mutating func translation(_ gpa: GuestPhysicalAddress, _ tag: EPTRTA) -> EPTWalk? {
    for level in [Level.pte, .pde, .pdpte] {
      let key = Self.key(tag, level, gpa)
      guard let walk = translations[key] else { continue }
      if drops() {
        translations[key] = nil
        continue
      }
      return walk
    }
    return nil
  }

  /// Notes that something cached was used; with a walk, that it stands for one.
  mutating func noteUse(_ gpa: GuestPhysicalAddress?, _ walk: EPTWalk?) {
    if walk != nil { current.isCached = true }
    used.append(UsedMapping(gpa: gpa, walk: walk))
  }

  /// Where a walk may begin: below the deepest cached paging-structure entry, or at the root.
  mutating func start(_ gpa: GuestPhysicalAddress, _ regime: EPTRegime) -> WalkStart {
    current.start = regime.root
    current.isCached = false
    guard !regime.isTooWide(gpa) else { return current.start }
    for level in [Level.pde, .pdpte, .pml4e, .pml5e] {
      let key = Self.key(regime.pointer.tag, level, gpa)
      guard var start = structures[key] else { continue }
      if drops() {
        structures[key] = nil
        continue
      }
      noteUse(nil, nil)
      start.hasFiveLevels = regime.hasFiveLevels
      current.start = start
      break
    }
    return current.start
  }

  /// Caches what a walk used, from where it began: its paging-structure entries and, if it is given, its translation.
  mutating func insert(
    _ gpa: GuestPhysicalAddress, _ tag: EPTRTA, path: EntryPath, translation: EPTWalk?, flagsDisabled: Bool
  ) {
    let assumed = flagsDisabled ? EPTEntry.accessedBit | EPTEntry.dirtyBit : 0
    var granted = current.start.granted
    var level = current.start.level
    for step in 0..<path.count {
      guard let below = level.below, step < path.count - 1 else { break }
      let value = path.values[step] | assumed
      guard value & EPTEntry.accessedBit != 0 else { return }
      granted &= value
      structures[Self.key(tag, level, gpa)] = WalkStart(table: EPTEntry(value).table, level: below, granted: granted)
      level = below
    }
    guard var walk = translation else { return }
    walk.assume(assumed)
    translations[Self.key(tag, walk.level, gpa)] = walk
  }

  /// The cached sub-page vector of a page.
  @usableFromInline mutating func vector(_ gpa: GuestPhysicalAddress, _ tag: EPTRTA) -> UInt64? {
    guard let vector = vectors[Self.key(tag, .pte, gpa)], !drops() else { return nil }
    noteUse(nil, nil)
    return vector
  }

  /// Caches the sub-page vector of a page.
  @usableFromInline mutating func insertVector(_ vector: UInt64, _ gpa: GuestPhysicalAddress, _ tag: EPTRTA) {
    vectors[Self.key(tag, .pte, gpa)] = vector
  }
}

// MARK: Combined mappings

extension TranslationCaches {
  /// The cached translation of a linear address, under the PCID and under any.
  mutating func combinedMapping(_ linear: GuestLinearAddress, _ context: CombinedContext) -> CombinedMapping? {
    var global = context
    global.pcid = CombinedContext.anyPCID
    for level in [Level.pte, .pde, .pdpte] {
      for context in [context, global] {
        let key = Self.key(context, level, linear)
        guard var mapping = combined[key] else { continue }
        if drops() {
          combined[key] = nil
          continue
        }
        mapping.page.gpa.rawValue |= linear.rawValue & level.offsetMask
        return mapping
      }
    }
    return nil
  }

  /// The deepest guest table that a paging-structure cache remembers for a linear address.
  mutating func combinedStructure(_ linear: GuestLinearAddress, _ context: CombinedContext) -> CombinedStructure? {
    for level in [Level.pde, .pdpte, .pml4e, .pml5e] {
      let key = Self.key(context, level, linear)
      guard let structure = combinedStructures[key] else { continue }
      if drops() {
        combinedStructures[key] = nil
        continue
      }
      noteUse(structure.table, structure.walk)
      return structure
    }
    return nil
  }

  /// Begins the trail of a walk of the guest's tables.
  mutating func beginTrail() { current.trail.removeAll(keepingCapacity: true) }

  /// Notes a guest table that the walk under way has reached through an entry of the level above.
  mutating func noteTable(_ structure: CombinedStructure) {
    guard let above = structure.level.above else { return }
    current.trail.append((above, structure))
  }

  /// Caches the trail, and the translation it led to.
  mutating func insertCombined(
    _ linear: GuestLinearAddress, _ context: CombinedContext, _ mapping: CombinedMapping, isGlobal: Bool,
    flagsDisabled: Bool
  ) {
    let assumed = flagsDisabled ? EPTEntry.accessedBit | EPTEntry.dirtyBit : 0
    for (level, structure) in current.trail {
      var structure = structure
      structure.walk.assume(assumed)
      combinedStructures[Self.key(context, level, linear)] = structure
    }
    var context = context
    if isGlobal { context.pcid = CombinedContext.anyPCID }
    let level = min(mapping.page.level, mapping.walk.level)
    var mapping = mapping
    mapping.page.gpa.rawValue &= ~level.offsetMask
    mapping.walk.assume(assumed)
    combined[Self.key(context, level, linear)] = mapping
  }
}

// MARK: What is held

extension TranslationCaches {
  /// Whether a guest-physical address has a cached translation under a hierarchy.
  package func hasTranslation(of gpa: GuestPhysicalAddress, _ tag: EPTRTA) -> Bool {
    [Level.pte, .pde, .pdpte].contains { translations[Self.key(tag, $0, gpa)] != nil }
  }

  /// Whether the entry of this level on the way to a guest-physical address is cached, so that a walk may begin below it.
  package func hasStructure(_ level: Level, of gpa: GuestPhysicalAddress, _ tag: EPTRTA) -> Bool {
    structures[Self.key(tag, level, gpa)] != nil
  }

  /// Adds what other caches hold: of what may be cached, all of it.
  package mutating func formUnion(_ other: TranslationCaches) {
    translations.merge(other.translations) { $1 }
    structures.merge(other.structures) { $1 }
    vectors.merge(other.vectors) { $1 }
    combined.merge(other.combined) { $1 }
    combinedStructures.merge(other.combinedStructures) { $1 }
  }
}

// MARK: What goes

extension TranslationCaches {
  /// Drops mappings, as ``EPTMachine`` says.
  mutating func drop(_ mappings: DroppedMappings) {
    switch mappings {
    case .physical(let gpa, let tag):
      for level in Level.allCases {
        let key = Self.key(tag, level, gpa)
        translations[key] = nil
        structures[key] = nil
        vectors[key] = nil
      }
    case .linear(let linear, let contexts):
      combined = combined.filter { !($0.key.covers(linear) && contexts.contains($0.key.context)) }
      combinedStructures = combinedStructures.filter { !($0.key.covers(linear) && contexts.contains($0.key.context)) }
    case .combined(let contexts, let retainingGlobals):
      combined = combined.filter {
        !contexts.contains($0.key.context) || (retainingGlobals && $0.key.context.isGlobal)
      }
      dropStructures(of: contexts)
    case .combinedStructures(let contexts): dropStructures(of: contexts)
    case .hierarchy(let tag):
      func stays(_ other: EPTRTA) -> Bool { tag.map { $0 != other } ?? false }
      translations = translations.filter { stays($0.key.tag) }
      structures = structures.filter { stays($0.key.tag) }
      vectors = vectors.filter { stays($0.key.tag) }
      combined = combined.filter { stays($0.key.context.tag) }
      combinedStructures = combinedStructures.filter { stays($0.key.context.tag) }
    }
  }

  private mutating func dropStructures(of contexts: CombinedContexts) {
    combinedStructures = combinedStructures.filter { !contexts.contains($0.key.context) }
  }
}

extension CombinedContext {
  /// Whether this is the place of global translations.
  public var isGlobal: Bool { pcid == Self.anyPCID }
}
