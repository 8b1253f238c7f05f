import Addresses

/// What a walk of the guest's tables asks of the paging mode. Two know it: the walk of the hot path, which the compiler specialises for plain
/// 4-level paging, and ``GuestPaging`` for every mode.
@usableFromInline
protocol GuestFormat {
  /// The processor is ``EPTMachine/isPlain``.
  static var isPlain: Bool { get }
  /// Where in its table the entry of this level for a linear address lies, in bytes.
  func offset(_ linear: GuestLinearAddress, _ level: Level) -> UInt64
  /// The entry at this offset, of the aligned 64-bit word that holds it.
  func entry(of word: UInt64, at offset: UInt64) -> UInt64
  /// Whether an entry needs no further look: present, no reserved bit, flags set, no large page.
  func isPlain(_ entry: UInt64, at level: Level, _ kind: AccessKind, _ guest: GuestState, _ rules: EntryRules) -> Bool
  /// Whether a good entry maps a page.
  func mapsPage(_ entry: UInt64, at level: Level) -> Bool
  /// Takes in where a leaf leads.
  func lead(
    _ page: inout GuestTranslation, to entry: UInt64, with flags: UInt64, at level: Level, _ linear: GuestLinearAddress)
}

/// 4-level paging without protection keys or shadow stacks.
@frozen
@usableFromInline
struct PlainFormat: GuestFormat {
  @inlinable init() {}
  @inlinable static var isPlain: Bool { true }

  @inlinable @inline(__always)
  func offset(_ linear: GuestLinearAddress, _ level: Level) -> UInt64 { level.index(of: linear.rawValue) << 3 }

  @inlinable @inline(__always)
  func entry(of word: UInt64, at offset: UInt64) -> UInt64 { word }

  @inlinable @inline(__always)
  func isPlain(_ entry: UInt64, at level: Level, _ kind: AccessKind, _ guest: GuestState, _ rules: EntryRules) -> Bool {
    guest.isPlain(entry, at: level, kind, rules)
  }

  @inlinable @inline(__always)
  func mapsPage(_ entry: UInt64, at level: Level) -> Bool { GuestEntry(entry).mapsPage(at: level) }

  @inlinable @inline(__always)
  func lead(
    _ page: inout GuestTranslation, to entry: UInt64, with flags: UInt64, at level: Level, _ linear: GuestLinearAddress
  ) { page.lead(to: GuestEntry(entry | flags), at: level, linear) }
}

/// The paging mode in force with all that its entries depend on (SDM vol. 3A, chapter "Paging").
@frozen
@usableFromInline
struct GuestPaging: GuestFormat {
  /// The mode in force.
  @usableFromInline let mode: PagingMode
  /// 32-bit paging has 4-MByte pages (CR4.PSE).
  @usableFromInline let hasLargePages: Bool
  /// The guest may map 1-GByte pages.
  @usableFromInline let hasHugePages: Bool
  /// Reserved in every present entry.
  @usableFromInline let reserved: UInt64
  /// Of the address field of a 4-MByte page, bits 21:13, those that hold no address bit.
  @usableFromInline let reservedInLarge: UInt64

  /// The paging of a guest on a processor.
  @inlinable
  init(_ guest: GuestState, _ capabilities: Capabilities) {
    mode = guest.pagingMode
    hasLargePages = guest.pageSizeExtensions
    hasHugePages = capabilities.guestPage1G
    let width = capabilities.physicalAddressWidth
    let executeDisable = guest.noExecute ? 0 : GuestEntry.executeDisableBit
    switch mode {
    case .off, .bits32: reserved = 0
    // Bits 62:52 are ignored in the other modes of 8-byte entries, here they are not.
    case .pae: reserved = width.beyond & ~GuestEntry.executeDisableBit | executeDisable
    case .fourLevel, .fiveLevel: reserved = width.reservedInEntries | executeDisable
    }
    // PSE-36: bits 20:13 hold address bits 39:32, as many of them as there are.
    reservedInLarge = 0x3f_e000 & (~0 << (UInt64(min(40, width.bits)) - 19))
  }

  @inlinable static var isPlain: Bool { false }

  /// Entries have 4 bytes.
  @inlinable var isNarrow: Bool { mode == .bits32 }

  /// How many address bits an entry of this level spans.
  @inlinable
  func shift(_ level: Level) -> UInt64 { mode.shift(level) }

  @inlinable
  func offset(_ linear: GuestLinearAddress, _ level: Level) -> UInt64 {
    isNarrow ? (linear.rawValue >> shift(level) & 1023) << 2 : level.index(of: linear.rawValue) << 3
  }

  @inlinable
  func entry(of word: UInt64, at offset: UInt64) -> UInt64 {
    isNarrow ? word >> ((offset & 4) << 3) & 0xffff_ffff : word
  }

  @inlinable
  func isPlain(_ entry: UInt64, at level: Level, _ kind: AccessKind, _ guest: GuestState, _ rules: EntryRules) -> Bool {
    false
  }

  @inlinable
  func mapsPage(_ entry: UInt64, at level: Level) -> Bool {
    switch level {
    case .pte: true
    case .pde: entry & EPTEntry.pageBit != 0 && (!isNarrow || hasLargePages)
    case .pdpte: entry & EPTEntry.pageBit != 0
    case .pml4e, .pml5e: false
    }
  }

  /// The reserved bits that are set in a present entry.
  @inlinable
  func reservedBits(_ entry: UInt64, at level: Level) -> UInt64 {
    var reserved = reserved
    if level >= .pml4e {
      reserved |= EPTEntry.pageBit
    } else if level >= .pde && mapsPage(entry, at: level) {
      // Bit 12 is the PAT bit of a large page.
      reserved |= isNarrow ? reservedInLarge : level.offsetMask & ~0x1fff
      if level == .pdpte && !hasHugePages { reserved |= EPTEntry.pageBit }
    }
    return entry & reserved
  }

  @inlinable
  func lead(
    _ page: inout GuestTranslation, to entry: UInt64, with flags: UInt64, at level: Level, _ linear: GuestLinearAddress
  ) {
    page.leaf = GuestEntry(entry | flags)
    page.level = level
    let offset = UInt64(1) << shift(level) - 1
    var frame = entry & EPTEntry.addressMask & ~offset
    // The bits of a 4-MByte page beyond 31 stand below the others.
    if isNarrow && level == .pde { frame |= (entry >> 13 & 0xff) << 32 }
    page.gpa = GuestPhysicalAddress(frame | linear.rawValue & offset)
  }
}

extension GuestPaging {
  /// Where a walk begins: at the table that CR3 refers to, or with PAE paging the PDPTE register; nil if that is not present.
  @inlinable
  func root(_ linear: GuestLinearAddress, _ guest: GuestState) -> GuestPlace? {
    var table = guest.cr3 & EPTEntry.addressMask
    if mode == .bits32 { table &= 0xffff_ffff }
    if mode == .pae {
      let register = guest.pdptes[Int(linear.rawValue >> 30 & 3)]
      guard register & GuestEntry.presentBit != 0 else { return nil }
      table = register & EPTEntry.addressMask
    }
    return GuestPlace(GuestPhysicalAddress(table), mode.root)
  }

  /// What an update of flags writes: the aligned word, and the flags where they stand in it.
  @inlinable
  func flags(_ wanted: UInt64, in hpa: HostPhysicalAddress) -> (word: HostPhysicalAddress, wanted: UInt64) {
    (HostPhysicalAddress(hpa.rawValue & ~7), wanted << ((hpa.rawValue & 4) << 3))
  }
}
