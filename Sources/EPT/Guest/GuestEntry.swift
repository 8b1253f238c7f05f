import Addresses

/// A guest paging-structure entry (SDM vol. 3A, chapter "Paging"); one of 4 bytes has bits 63:32 clear.
///
/// Levels are named as in EPT: PML5E, PML4E, PDPTE, PDE, PTE.
@frozen
public struct GuestEntry: RawRepresentable, Hashable, Sendable {
  /// The 64 bits.
  public var rawValue: UInt64
  /// An entry from its bits.
  @inlinable public init(rawValue: UInt64) { self.rawValue = rawValue }
  /// An entry from its bits.
  @inlinable public init(_ rawValue: UInt64) { self.rawValue = rawValue }

  /// Bit 0: present.
  @inlinable package static var presentBit: UInt64 { 1 << 0 }
  /// Bit 1: writes are allowed.
  @inlinable package static var writableBit: UInt64 { 1 << 1 }
  /// Bit 2: user-mode accesses are allowed.
  @inlinable package static var userBit: UInt64 { 1 << 2 }
  /// Bit 5: accessed.
  @inlinable package static var accessedBit: UInt64 { 1 << 5 }
  /// Bit 6: dirty (entries that map a page).
  @inlinable package static var dirtyBit: UInt64 { 1 << 6 }
  /// Bit 8: global (entries that map a page).
  @inlinable package static var globalBit: UInt64 { 1 << 8 }
  /// Bit 63: execute-disable.
  @inlinable package static var executeDisableBit: UInt64 { 1 << 63 }

  /// Whether an entry of this level maps a page, with 8-byte entries.
  @inlinable @inline(__always)
  package func mapsPage(at level: Level) -> Bool {
    level < .pde || (level < .pml4e && rawValue & EPTEntry.pageBit != 0)
  }

  /// The PAT type that a leaf selects; its PAT bit is bit 7 of a PTE and bit 12 of a large page.
  package func patType(at level: Level, register: UInt64) -> MemoryType {
    MemoryType.pat(
      register: register, pat: rawValue & (level == .pte ? 1 << 7 : 1 << 12) != 0,
      cacheDisable: rawValue & 1 << 4 != 0, writeThrough: rawValue & 1 << 3 != 0)
  }
}

extension GuestState {
  /// The flags that an access must find set in an entry on its way.
  @inlinable @inline(__always)
  func flags(of kind: AccessKind, isLeaf: Bool) -> UInt64 {
    isLeaf && kind.contains(.write) ? GuestEntry.accessedBit | GuestEntry.dirtyBit : GuestEntry.accessedBit
  }

  /// Whether an entry, in one comparison, is present, has the flags that the access needs, no reserved bit, and above the PTE refers to a
  /// table: most do.
  @inlinable @inline(__always)
  func isPlain(_ entry: UInt64, at level: Level, _ kind: AccessKind, _ rules: EntryRules) -> Bool {
    let reserved = reservedBits(rules)
    if level >= .pde {
      let due = GuestEntry.presentBit | flags(of: kind, isLeaf: false)
      return entry & (reserved | EPTEntry.pageBit | due) == due
    }
    let due = GuestEntry.presentBit | flags(of: kind, isLeaf: true)
    return entry & (reserved | due) == due
  }

  /// The bits that are reserved in every guest entry: 51:M, and bit 63 without NXE.
  @inlinable @inline(__always)
  func reservedBits(_ rules: EntryRules) -> UInt64 {
    rules.reservedAddress | (noExecute ? 0 : GuestEntry.executeDisableBit)
  }
}

extension GuestLinearAddress {
  /// Whether the address is canonical under 4-level paging.
  @inlinable @inline(__always)
  package var isCanonical: Bool { isCanonical(width: 48) }
}

/// What the guest's paging structures say of a linear address: where it leads, and what all entries together allow.
@frozen
public struct GuestTranslation: Hashable, Sendable {
  /// The guest-physical address of the linear address.
  public var gpa: GuestPhysicalAddress
  /// The level of the leaf: the size of the guest page.
  public var level: Level
  /// The leaf.
  public var leaf: GuestEntry
  /// The AND of all entries; bit 63, execute-disable, inverted.
  @usableFromInline var allowed: UInt64
  /// The AND of the EPT leaves that map the pages of all entries.
  @usableFromInline var tableLeaves: UInt64
  /// R/W = 0 and D = 1 in the leaf, R/W = 1 in every entry above it: a shadow-stack address. Not looked at in the hot path, where there
  /// are no shadow stacks.
  @usableFromInline var isShadowStack = false

  @inlinable
  init() {
    gpa = GuestPhysicalAddress(0)
    level = .pml4e
    leaf = GuestEntry(0)
    allowed = ~0
    tableLeaves = ~0
  }

  /// U/S = 1 in every entry: a user-mode address.
  @inlinable package var isUser: Bool { allowed & GuestEntry.userBit != 0 }
  /// R/W = 1 in every entry.
  @inlinable package var isWritable: Bool { allowed & GuestEntry.writableBit != 0 }
  /// XD = 1 in some entry.
  @inlinable package var isExecuteDisable: Bool { allowed & GuestEntry.executeDisableBit == 0 }
  /// Some entry was read from a page whose EPT leaf has no paging-write access (bit 58).
  @inlinable package var isUnverified: Bool { tableLeaves & EPTEntry.pagingWriteBit == 0 }

  /// Takes in the rights of one more entry, and the EPT leaf of its page.
  @inlinable @inline(__always)
  mutating func add(_ entry: UInt64, in page: EPTEntry) {
    allowed &= entry ^ GuestEntry.executeDisableBit
    tableLeaves &= page.rawValue
  }

  /// Takes in where the leaf leads, with 8-byte entries.
  @inlinable @inline(__always)
  mutating func lead(to leaf: GuestEntry, at level: Level, _ linear: GuestLinearAddress) {
    let offset = level.offsetMask
    self.leaf = leaf
    self.level = level
    gpa = GuestPhysicalAddress(leaf.rawValue & EPTEntry.addressMask & ~offset | linear.rawValue & offset)
  }

  /// The properties that an access to the final address takes from its translation.
  @inlinable @inline(__always)
  package var accessKind: AccessKind {
    var kind: AccessKind = .linear
    if isUser { kind.insert(.userAddress) }
    if isWritable { kind.insert(.guestWritable) }
    if isExecuteDisable { kind.insert(.guestExecuteDisable) }
    if isUnverified { kind.insert(.unverifiedPaging) }
    return kind
  }
}
