import Addresses

/// An EPT paging-structure entry as it lies in memory: 64 bits whose meaning depends on the level it is read at.
///
/// Sources: SDM vol. 3C, figure "Formats of EPTP and EPT Paging-Structure Entries" and the tables "Format of an EPT …".
/// Names of bits that only one kind of entry has still read the bit; `DecodedEntry` says what it means where it stands.
@frozen
public struct EPTEntry: RawRepresentable, Hashable, Sendable {
  /// The 64 bits.
  public var rawValue: UInt64

  /// An entry from its bits.
  @inlinable public init(rawValue: UInt64) { self.rawValue = rawValue }
  /// An entry from its bits.
  @inlinable public init(_ rawValue: UInt64) { self.rawValue = rawValue }

  /// Bits 51:12, the widest address field an entry can have.
  @inlinable package static var addressMask: UInt64 { 0x000f_ffff_ffff_f000 }
  /// Bit 7: maps a page (PDPTE, PDE).
  @inlinable package static var pageBit: UInt64 { 1 << 7 }
  /// Bit 8: accessed.
  @inlinable package static var accessedBit: UInt64 { 1 << 8 }
  /// Bit 9: dirty (entries that map a page).
  @inlinable package static var dirtyBit: UInt64 { 1 << 9 }
  /// Bit 57: verify guest paging (entries that map a page).
  @inlinable package static var verifyGuestPagingBit: UInt64 { 1 << 57 }
  /// Bit 58: paging-write access (entries that map a page).
  @inlinable package static var pagingWriteBit: UInt64 { 1 << 58 }
  /// Bit 60: supervisor shadow-stack page (entries that map a page).
  @inlinable package static var supervisorShadowStackBit: UInt64 { 1 << 60 }
  /// Bit 61: sub-page write permissions (PTE).
  @inlinable package static var subPageWriteBit: UInt64 { 1 << 61 }
  /// Bit 63: suppress #VE.
  @inlinable package static var suppressVEBit: UInt64 { 1 << 63 }

  @inlinable @inline(__always) func has(_ bit: UInt64) -> Bool { rawValue & bit != 0 }

  /// Bits 2:0 and 10.
  @inlinable public var rights: Rights {
    get { Rights(entryBits: rawValue) }
    set { rawValue = rawValue & ~Rights.entryMask | newValue.entryBits }
  }
  /// Bits 5:3 of an entry that maps a page, as a number 0...7 (2, 3 and 7 misconfigure).
  @inlinable package var memoryTypeBits: UInt8 { UInt8(truncatingIfNeeded: rawValue >> 3 & 7) }
  /// Bit 6: ignore PAT.
  @inlinable package var ignoresPAT: Bool { has(1 << 6) }
  /// Bit 7.
  @inlinable package var hasPageBit: Bool { has(Self.pageBit) }
  /// Bit 8.
  @inlinable public var accessed: Bool { has(Self.accessedBit) }
  /// Bit 9.
  @inlinable public var dirty: Bool { has(Self.dirtyBit) }
  /// Bit 57.
  @inlinable package var verifiesGuestPaging: Bool { has(Self.verifyGuestPagingBit) }
  /// Bit 60.
  @inlinable package var isSupervisorShadowStack: Bool { has(Self.supervisorShadowStackBit) }
  /// Bit 61.
  @inlinable package var hasSubPageWrite: Bool { has(Self.subPageWriteBit) }
  /// Bit 63.
  @inlinable package var suppressesVE: Bool { has(Self.suppressVEBit) }

  /// The table that an entry refers to (bits 51:12).
  @inlinable @inline(__always)
  public var table: HostPhysicalAddress { HostPhysicalAddress(rawValue & Self.addressMask) }

  /// The first byte of the page that an entry of this level maps: bits 51:12, 51:21 or 51:30.
  @inlinable @inline(__always)
  public func page(at level: Level) -> HostPhysicalAddress {
    HostPhysicalAddress(rawValue & Self.addressMask & ~level.offsetMask)
  }

  /// An entry that refers to a table: rights, and an address whose bits 11:0 and 63:52 are dropped.
  @inlinable
  public static func table(_ address: HostPhysicalAddress, rights: Rights = .all) -> EPTEntry {
    EPTEntry(address.rawValue & addressMask | rights.entryBits)
  }

  /// An entry that maps a page of this level's size: address bits below the size are dropped, bit 7 is set for PDPTE and PDE.
  @inlinable
  public static func page(
    _ address: HostPhysicalAddress, at level: Level, rights: Rights, type: MemoryType = .writeBack,
    ignorePAT: Bool = false
  ) -> EPTEntry {
    EPTEntry(
      address.rawValue & addressMask & ~level.offsetMask | rights.entryBits | UInt64(type.rawValue) << 3
        | (ignorePAT ? 1 << 6 : 0) | (level > .pte ? pageBit : 0))
  }
}
