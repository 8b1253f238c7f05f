import SeededRandom
import Addresses

/// Who a combined mapping belongs to: VPID, PCID and EPTRTA; who a linear mapping, made while EPT is off, belongs to: VPID and
/// PCID (SDM vol. 3C, "Information That May Be Cached", "Creating and Using Cached Translation Information").
@frozen
public struct CombinedContext: Hashable, Sendable {
  /// The VPID; 0 while "enable VPID" is 0.
  public var vpid: UInt16
  /// The PCID, or ``anyPCID`` for a global translation.
  public var pcid: UInt16
  /// The tag of the EPT hierarchy; ``EPTRTA/noHierarchy`` for linear mappings.
  public var tag: EPTRTA

  /// Stands for every PCID: the place of global translations.
  @inlinable public static var anyPCID: UInt16 { 0x1000 }
}

/// A translation that the guest's tables and EPT gave together.
@frozen
public struct CombinedMapping: Hashable, Sendable {
  /// What the guest's tables said; `gpa` is that of the first byte of the mapping.
  public var page: GuestTranslation
  /// How many bits of an address are an offset in the guest's page.
  public var pageShift: UInt64
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

/// Something cached that an access used.
@frozen
public struct UsedMapping: Hashable, Sendable {
  /// What was cached.
  @frozen
  public enum What: Hashable, Sendable {
    /// A translation, or the place of a guest's table.
    case translation(EPTWalk)
    /// A table of EPT, reached.
    case table(WalkStart)
    /// Sub-page permissions, or the way to them: the vector in the end, if one was reached.
    case subPages(UInt64?)
  }

  /// The guest-physical address it was used for.
  public let gpa: GuestPhysicalAddress
  /// What was cached.
  public let what: What
}

/// Where the walk of the sub-page permission tables of an address may begin, by what is cached.
@frozen
@usableFromInline
struct SubPageStart: Hashable, Sendable {
  /// The table to read first.
  @usableFromInline let table: HostPhysicalAddress
  /// The level of its entries; the lowest holds vectors.
  @usableFromInline let level: Level

  @usableFromInline
  init(table: HostPhysicalAddress, level: Level) {
    self.table = table
    self.level = level
  }
}

/// The translation caches of one logical processor, as the architecture allows them: guest-physical mappings tagged by EPTRTA, combined mappings
/// tagged by VPID, PCID and EPTRTA, linear mappings tagged by VPID and PCID, each with translations and paging-structure entries; sub-page
/// vectors and the tables above them. For correctness, not for speed.
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

  /// Context, size and address prefix of a combined mapping.
  struct CombinedKey: Hashable, Sendable {
    let context: CombinedContext
    /// How many address bits the mapping spans: those of a level, or the 22 of a 32-bit guest's page directory.
    let shift: UInt64
    let prefix: UInt64

    init(_ context: CombinedContext, _ shift: UInt64, _ linear: GuestLinearAddress) {
      self.context = context
      self.shift = shift
      prefix = linear.rawValue >> shift
    }

    func covers(_ linear: GuestLinearAddress) -> Bool { prefix == linear.rawValue >> shift }

    /// The first address.
    var first: UInt64 { prefix << shift }

    /// The sizes that translations have, smallest first.
    static let shifts: [UInt64] = [12, 21, 22, 30]
  }

  /// Whether the policy caches anything.
  public let isActive: Bool
  /// What the accesses since the last ``beginAccess()`` took from the caches.
  public private(set) var used: [UsedMapping] = []

  /// Which hits count as misses, and are dropped.
  package enum Misses: Sendable {
    case none
    case all
    /// Each with probability 1/2.
    case half(SplitMix64)
  }
  /// The policy's, until somebody decides access by access.
  package var misses: Misses
  var translations: [PhysicalKey: EPTWalk] = [:]
  var structures: [PhysicalKey: WalkStart] = [:]
  var vectors: [PhysicalKey: UInt64] = [:]
  var subPageTables: [PhysicalKey: SubPageStart] = [:]
  var combined: [CombinedKey: CombinedMapping] = [:]
  var combinedStructures: [CombinedKey: CombinedStructure] = [:]
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
    /// What guest paging said when it denied the access.
    var denial: GuestTranslation?
  }

  /// Empty caches under a policy.
  public init(_ policy: Policies.Cache) {
    isActive = policy != .none
    if case .random(let seed) = policy { misses = .half(SplitMix64(seed: seed)) } else { misses = .none }
  }

  /// How many translations and paging-structure entries are held, guest-physical and combined.
  public var count: Int {
    translations.count + structures.count + vectors.count + subPageTables.count + combined.count
      + combinedStructures.count
  }

  /// Forgets what earlier accesses used; called before each access whose freshness is examined.
  public mutating func beginAccess() {
    used.removeAll(keepingCapacity: true)
    current.denial = nil
  }

  /// Whether this hit is dropped.
  private mutating func drops() -> Bool {
    switch misses {
    case .none: return false
    case .all: return true
    case .half(var random):
      let bits = random.next()
      misses = .half(random)
      return bits & 1 != 0
    }
  }

  static func key(_ tag: EPTRTA, _ level: Level, _ gpa: GuestPhysicalAddress) -> PhysicalKey {
    PhysicalKey(tag: tag, level: level, prefix: gpa.rawValue >> level.shift)
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

  /// Notes that something cached was used; a translation stands for a walk.
  @usableFromInline mutating func noteUse(_ gpa: GuestPhysicalAddress, _ what: UsedMapping.What) {
    if case .translation = what { current.isCached = true }
    used.append(UsedMapping(gpa: gpa, what: what))
  }

  /// Notes what guest paging said when it denied the access.
  @usableFromInline mutating func noteDenial(by page: GuestTranslation) { current.denial = page }

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
      start.hasFiveLevels = regime.hasFiveLevels
      noteUse(gpa, .table(start))
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
    noteUse(gpa, .subPages(vector))
    return vector
  }

  /// Caches the sub-page vector of a page.
  @usableFromInline mutating func insertVector(_ vector: UInt64, _ gpa: GuestPhysicalAddress, _ tag: EPTRTA) {
    vectors[Self.key(tag, .pte, gpa)] = vector
  }

  /// The deepest sub-page permission table on the way to a page that is cached.
  @usableFromInline mutating func subPageStart(_ gpa: GuestPhysicalAddress, _ tag: EPTRTA) -> SubPageStart? {
    for level in [Level.pde, .pdpte, .pml4e] {
      guard let start = subPageTables[Self.key(tag, level, gpa)], !drops() else { continue }
      return start
    }
    return nil
  }

  /// Caches the table that an entry of this level refers to.
  @usableFromInline mutating func insertSubPageTable(
    _ start: SubPageStart, _ level: Level, _ gpa: GuestPhysicalAddress, _ tag: EPTRTA
  ) {
    subPageTables[Self.key(tag, level, gpa)] = start
  }
}

// MARK: Combined mappings

extension TranslationCaches {
  /// The cached translation of a linear address, under the PCID and under any.
  mutating func combinedMapping(_ linear: GuestLinearAddress, _ context: CombinedContext) -> CombinedMapping? {
    var global = context
    global.pcid = CombinedContext.anyPCID
    for shift in CombinedKey.shifts {
      for context in [context, global] {
        let key = CombinedKey(context, shift, linear)
        guard var mapping = combined[key] else { continue }
        if drops() {
          combined[key] = nil
          continue
        }
        mapping.page.gpa.rawValue |= linear.rawValue & (1 << shift - 1)
        return mapping
      }
    }
    return nil
  }

  /// The deepest guest table that a paging-structure cache remembers for a linear address.
  mutating func combinedStructure(
    _ linear: GuestLinearAddress, _ context: CombinedContext, _ mode: PagingMode
  ) -> CombinedStructure? {
    for level in [Level.pde, .pdpte, .pml4e, .pml5e] {
      let key = CombinedKey(context, mode.shift(level), linear)
      guard let structure = combinedStructures[key] else { continue }
      if drops() {
        combinedStructures[key] = nil
        continue
      }
      noteUse(structure.table, .translation(structure.walk))
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

  /// Caches the trail, and the translation it led to: as large as the smaller page of both dimensions.
  mutating func insertCombined(
    _ linear: GuestLinearAddress, _ context: CombinedContext, _ mapping: CombinedMapping, _ mode: PagingMode,
    isGlobal: Bool, flagsDisabled: Bool
  ) {
    let assumed = flagsDisabled ? EPTEntry.accessedBit | EPTEntry.dirtyBit : 0
    for (level, structure) in current.trail {
      var structure = structure
      structure.walk.assume(assumed)
      combinedStructures[CombinedKey(context, mode.shift(level), linear)] = structure
    }
    var context = context
    if isGlobal { context.pcid = CombinedContext.anyPCID }
    let shift = context.tag == .noHierarchy ? mapping.pageShift : min(mapping.pageShift, mapping.walk.level.shift)
    var mapping = mapping
    mapping.page.gpa.rawValue &= ~(1 << shift - 1)
    mapping.walk.assume(assumed)
    combined[CombinedKey(context, shift, linear)] = mapping
  }
}
