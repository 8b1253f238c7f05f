/// What one configuration of a processor makes of an EPT entry: which bits make it present, which are reserved, which encodings
/// misconfigure. Precomputed masks, so that a walk tests an entry with a handful of instructions.
///
/// Source: SDM vol. 3C, "EPT Translation Mechanism" (presence), "EPT Misconfigurations", and the tables "Format of an EPT … Entry".
@frozen
public struct EntryRules: Hashable, Sendable {
  /// Bits of which one must be set in a present entry: 2:0, with mode-based execute control also 10.
  public let presentMask: UInt64
  /// Bit n is set if a present entry whose bits 2:0 are n misconfigures by its rights (M1, M2).
  public let badRights: UInt64
  /// Bit n is set if a present leaf whose bits 5:0 are n misconfigures by its rights or memory type (M1, M2, M5).
  public let badLeaf: UInt64
  /// Bit 58 with the paging-write control: a leaf that has it must be readable (M3).
  public let readableIf: UInt64
  /// Bit 7 if a PDPTE may map a page.
  public let page1G: UInt64
  /// Bit 7 if a PDE may map a page.
  public let page2M: UInt64
  /// Bits 51:M.
  public let reservedAddress: UInt64
  /// Whether entries have execute permissions by mode (bit 10).
  public let modeBasedExecute: Bool

  /// The rules of a processor with these capabilities while these controls are in force.
  public init(capabilities: Capabilities, controls: Controls) {
    modeBasedExecute = controls.has(.modeBasedExecute)
    presentMask = modeBasedExecute ? 0x407 : 7
    readableIf = controls.has(.pagingWrite) ? EPTEntry.pagingWriteBit : 0
    page1G = capabilities.has(.page1G) ? EPTEntry.pageBit : 0
    page2M = capabilities.has(.page2M) ? EPTEntry.pageBit : 0
    reservedAddress = capabilities.physicalAddressWidth.reservedInEntries
    // A present entry that is not readable either is writable (M1) or grants only some execution (M2).
    var badRights: UInt64 = 0
    for bits in UInt64(0)..<8 where bits & 1 == 0 {
      if bits & 2 != 0 || !capabilities.has(.executeOnly) { badRights |= 1 << bits }
    }
    self.badRights = badRights
    var badLeaf: UInt64 = 0
    for bits in UInt64(0)..<64 {
      let type = bits >> 3
      if badRights >> (bits & 7) & 1 != 0 || type == 2 || type == 3 || type == 7 { badLeaf |= 1 << bits }
    }
    self.badLeaf = badLeaf
  }

  /// Whether the entry is present.
  @inlinable @inline(__always)
  public func isPresent(_ entry: UInt64) -> Bool { entry & presentMask != 0 }

  /// Bit 7 if an entry of this level may map a large page, else 0.
  @inlinable @inline(__always)
  public func largePageBit(_ level: Level) -> UInt64 {
    switch level {
    case .pdpte: page1G
    case .pde: page2M
    case .pte, .pml4e: 0
    }
  }

  /// Whether a present entry maps a page: a PTE, or bit 7 where large pages are supported.
  @inlinable @inline(__always)
  public func mapsPage(_ entry: UInt64, _ level: Level) -> Bool {
    level == .pte || entry & largePageBit(level) != 0
  }

  /// Reserved bits of an entry that refers to a table.
  @inlinable @inline(__always)
  public func reservedInTable(_ level: Level) -> UInt64 {
    let low: UInt64 = level == .pml4e ? 0xf8 : 0x78 | (EPTEntry.pageBit ^ largePageBit(level))
    return reservedAddress | low
  }

  /// Reserved bits of an entry that maps a page: 51:M, and the address bits below a large page.
  @inlinable @inline(__always)
  public func reservedInPage(_ level: Level) -> UInt64 {
    reservedAddress | (level.offsetMask & ~0xfff)
  }

  /// Whether a present entry that refers to a table is misconfigured.
  @inlinable @inline(__always)
  public func isMisconfiguredTable(_ entry: UInt64, _ level: Level) -> Bool {
    (entry & reservedInTable(level)) | (badRights >> (entry & 7) & 1) != 0
  }

  /// Whether a present entry that maps a page is misconfigured.
  @inlinable @inline(__always)
  public func isMisconfiguredPage(_ entry: UInt64, _ level: Level) -> Bool {
    (entry & reservedInPage(level)) | (badLeaf >> (entry & 63) & 1) | (entry & readableIf & ~(entry << 58)) != 0
  }

  /// Whether a present entry is misconfigured.
  @inlinable
  public func isMisconfigured(_ entry: EPTEntry, at level: Level) -> Bool {
    mapsPage(entry.rawValue, level)
      ? isMisconfiguredPage(entry.rawValue, level) : isMisconfiguredTable(entry.rawValue, level)
  }
}
