/// The change of one EPT entry.
package struct EntryEdit: Hashable, Sendable {
  package let old: EPTEntry
  package let new: EPTEntry
  package let level: Level

  package init(_ old: EPTEntry, _ new: EPTEntry, at level: Level) {
    self.old = old
    self.new = new
    self.level = level
  }

  /// Whether the change owes an invalidation.
  ///
  /// Stated by the SDM: a right taken away, another address, the accessed flag (or a leaf's dirty flag) cleared, bit 7 of a
  /// PDPTE or PDE changed, a leaf's memory type or ignore-PAT changed. By inference, since the text says that these are
  /// cached but does not list them: bit 57 or 63 set, bit 58 or 60 cleared, bit 61 of a PTE cleared. A good entry that
  /// becomes misconfigured may be in use as it was, which takes its rights away. Nothing is cached from an entry that was not
  /// present or misconfigured, and a pure widening shows as a violation at most, which invalidates by itself.
  package func owesInvalidation(under rules: EntryRules) -> Bool {
    guard rules.isPresent(old.rawValue), !rules.isMisconfigured(old, at: level) else { return false }
    guard rules.isPresent(new.rawValue), !rules.isMisconfigured(new, at: level) else { return true }
    let lost = old.rawValue & ~new.rawValue
    let gained = new.rawValue & ~old.rawValue
    let changed = lost | gained
    if lost & (rules.presentMask | EPTEntry.accessedBit) != 0 || changed & EPTEntry.addressMask != 0 { return true }
    if level == .pde || level == .pdpte, changed & EPTEntry.pageBit != 0 { return true }
    guard rules.mapsPage(old.rawValue, level) else { return false }
    let typing: UInt64 = 0x78
    let losses =
      EPTEntry.dirtyBit | EPTEntry.pagingWriteBit | EPTEntry.supervisorShadowStackBit
      | (level == .pte ? EPTEntry.subPageWriteBit : 0)
    let gains = EPTEntry.verifyGuestPagingBit | EPTEntry.suppressVEBit
    return changed & typing | lost & losses | gained & gains != 0
  }
}
