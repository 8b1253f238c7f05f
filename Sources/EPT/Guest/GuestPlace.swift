import Addresses

/// How far a walk of the guest's tables has come.
@frozen
@usableFromInline
struct GuestPlace {
  /// The guest-physical address of the table to read next.
  @usableFromInline var table: GuestPhysicalAddress
  /// The level of its entries.
  @usableFromInline var level: Level
  /// How EPT translated the table, if a paging-structure cache remembers.
  @usableFromInline var tableWalk: EPTWalk?
  /// The rights gathered on the way; all of the translation once the leaf is reached.
  @usableFromInline var page = GuestTranslation()

  @inlinable @inline(__always)
  init(_ table: GuestPhysicalAddress, _ level: Level = .pml4e) {
    self.table = table
    self.level = level
  }
}

/// How a walk of the guest's tables ends.
@frozen
@usableFromInline
enum GuestWalkEnd {
  /// At a leaf.
  case page
  /// By an exit or a page fault.
  case refused(TranslationOutcome)
  /// Another processor changed the tables meanwhile.
  case changed
}
