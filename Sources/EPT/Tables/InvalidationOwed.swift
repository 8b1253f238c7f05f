import Addresses

/// The INVEPT that a change of EPT entries owes before the change can be relied upon.
///
/// Every function of ``PageTables`` that edits returns one; ignoring it is a compiler warning, and it cannot be copied, so that it is
/// discharged once. Source: SDM vol. 3C, "Guidelines for Use of the INVEPT Instruction".
public struct InvalidationOwed: ~Copyable {
  /// How far an invalidation must reach.
  @frozen
  public enum Scope: Hashable, Sendable {
    /// Nothing is owed.
    case none
    /// A single-context INVEPT of this tag.
    case single(EPTRTA)
    /// An all-context INVEPT, or a single-context one of every root that shares the changed table.
    case all

    /// What covers both.
    public func union(_ other: Scope) -> Scope {
      switch (self, other) {
      case (.none, let scope), (let scope, .none): scope
      case (.single(let a), .single(let b)) where a == b: self
      default: .all
      }
    }
  }

  /// What is owed.
  public let scope: Scope

  /// A debt of this scope.
  public init(_ scope: Scope = .none) { self.scope = scope }

  /// The two debts as one.
  public consuming func adding(_ other: consuming InvalidationOwed) -> InvalidationOwed {
    InvalidationOwed(scope.union(other.scope))
  }

  /// Pays: `invalidate` performs the INVEPT of the given scope on every processor concerned (it is called for `none` too).
  public consuming func discharge<Result>(_ invalidate: (Scope) throws -> Result) rethrows -> Result {
    try invalidate(scope)
  }
}

/// The change of one EPT entry.
@frozen
public struct EntryEdit: Hashable, Sendable {
  /// What the entry was.
  public let old: EPTEntry
  /// What it becomes.
  public let new: EPTEntry
  /// Its level.
  public let level: Level

  /// A change of an entry at this level.
  @inlinable
  public init(_ old: EPTEntry, _ new: EPTEntry, at level: Level) {
    self.old = old
    self.new = new
    self.level = level
  }

  /// Whether the change owes an invalidation.
  ///
  /// Stated by the SDM: a right taken away, another address, the accessed flag (or a leaf's dirty flag) cleared, bit 7 of a PDPTE or PDE
  /// changed, a leaf's memory type or ignore-PAT changed. By inference, since the text says that these are cached but does not list
  /// them: bit 57 or 63 set, bit 58, 60 or 61 cleared. Nothing is cached from an entry that was not present or misconfigured.
  public func owesInvalidation(under rules: EntryRules) -> Bool {
    guard rules.isPresent(old.rawValue), !rules.isMisconfigured(old, at: level) else { return false }
    guard rules.isPresent(new.rawValue) else { return true }
    let lost = old.rawValue & ~new.rawValue
    let gained = new.rawValue & ~old.rawValue
    let changed = lost | gained
    if lost & (rules.presentMask | EPTEntry.accessedBit) != 0 || changed & EPTEntry.addressMask != 0 { return true }
    if level == .pde || level == .pdpte, changed & EPTEntry.pageBit != 0 { return true }
    guard rules.mapsPage(old.rawValue, level) else { return false }
    let typing: UInt64 = 0x78
    let losses =
      EPTEntry.dirtyBit | EPTEntry.pagingWriteBit | EPTEntry.supervisorShadowStackBit | EPTEntry.subPageWriteBit
    let gains = EPTEntry.verifyGuestPagingBit | EPTEntry.suppressVEBit
    return changed & typing | lost & losses | gained & gains != 0
  }
}
