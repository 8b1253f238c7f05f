/// What one configuration of a processor makes of an EPT entry: which bits make it present, which are reserved, which encodings
/// misconfigure. Precomputed masks, so that a walk tests an entry with a handful of instructions; three words, so that it keeps them in registers.
///
/// Source: SDM vol. 3C, "EPT Translation Mechanism" (presence), "EPT Misconfigurations", and the tables "Format of an EPT … Entry".
@frozen
public struct EntryRules: Hashable, Sendable {
  /// Bits 51:M.
  public let reservedAddress: UInt64
  /// Bit n is set if a present leaf whose bits 5:0 are n misconfigures by its rights or memory type (M1, M2, M5).
  public let badLeaf: UInt64
  /// What is in force, a bit each: 7 for page-walk length 5, as in the register of capabilities; 10 for mode-based execute control and 58 for
  /// the paging-write control, as in an entry; 21 and 30 for 2 MiB and 1 GiB pages.
  @usableFromInline let features: UInt64

  /// The rules of a processor with these capabilities while these controls are in force.
  public init(capabilities: Capabilities, controls: Controls) {
    reservedAddress = capabilities.physicalAddressWidth.reservedInEntries
    features =
      (capabilities.has(.walkLength5) ? 1 << 7 : 0) | (controls.has(.modeBasedExecute) ? 1 << 10 : 0)
      | (controls.has(.pagingWrite) ? EPTEntry.pagingWriteBit : 0)
      | (capabilities.has(.page2M) ? Level.pde.byteCount : 0) | (capabilities.has(.page1G) ? Level.pdpte.byteCount : 0)
    var badLeaf: UInt64 = 0
    for bits in UInt64(0)..<64 {
      // A present entry that is not readable either is writable (M1) or grants only some execution (M2).
      let badRights = bits & 1 == 0 && (bits & 2 != 0 || !capabilities.has(.executeOnly))
      let type = bits >> 3
      if badRights || type == 2 || type == 3 || type == 7 { badLeaf |= 1 << bits }
    }
    self.badLeaf = badLeaf
  }

  /// Whether the processor has page-walk length 5.
  @inlinable @inline(__always)
  var walkLength5: Bool { features & 1 << 7 != 0 }

  /// Whether entries have execute permissions by mode (bit 10).
  @inlinable @inline(__always)
  package var modeBasedExecute: Bool { features & 1 << 10 != 0 }

  /// Bits of which one must be set in a present entry: 2:0, with mode-based execute control also 10.
  @inlinable @inline(__always)
  public var presentMask: UInt64 { features & 1 << 10 | 7 }

  /// Bit n is set if a present entry whose bits 2:0 are n misconfigures by its rights (M1, M2): a leaf of type UC has no other reason.
  @inlinable @inline(__always)
  public var badRights: UInt64 { badLeaf & 0xff }

  /// Bit 58 with the paging-write control: a leaf that has it must be readable (M3).
  @inlinable @inline(__always)
  public var readableIf: UInt64 { features & EPTEntry.pagingWriteBit }

  /// Whether the entry is present.
  @inlinable @inline(__always)
  package func isPresent(_ entry: UInt64) -> Bool { entry & presentMask != 0 }

  /// Bit 7 if an entry of this level may map a large page, else 0.
  @inlinable @inline(__always)
  public func largePageBit(_ level: Level) -> UInt64 {
    // Bits 12, 39 and 48 of the features are 0.
    (features &>> level.shift & 1) &<< 7
  }

  /// Whether a present entry maps a page: a PTE, or bit 7 where large pages are supported.
  @inlinable @inline(__always)
  package func mapsPage(_ entry: UInt64, _ level: Level) -> Bool {
    level < .pde || entry & largePageBit(level) != 0
  }

  /// Reserved bits of an entry that refers to a table.
  @inlinable @inline(__always)
  package func reservedInTable(_ level: Level) -> UInt64 {
    reservedAddress | 0x78 | (EPTEntry.pageBit ^ largePageBit(level))
  }

  /// Reserved bits of an entry that maps a page: 51:M, and the address bits below a large page.
  @inlinable @inline(__always)
  package func reservedInPage(_ level: Level) -> UInt64 {
    reservedAddress | (level.offsetMask & ~0xfff)
  }

  /// Whether a present entry that refers to a table is misconfigured.
  @inlinable @inline(__always)
  package func isMisconfiguredTable(_ entry: UInt64, _ level: Level) -> Bool {
    (entry & reservedInTable(level)) | (badRights >> (entry & 7) & 1) != 0
  }

  /// Whether a present entry that maps a page is misconfigured.
  @inlinable @inline(__always)
  package func isMisconfiguredPage(_ entry: UInt64, _ level: Level) -> Bool {
    (entry & reservedInPage(level)) | (badLeaf >> (entry & 63) & 1) | (entry & readableIf & ~(entry << 58)) != 0
  }

  /// Whether a present entry is misconfigured.
  @inlinable
  package func isMisconfigured(_ entry: EPTEntry, at level: Level) -> Bool {
    mapsPage(entry.rawValue, level)
      ? isMisconfiguredPage(entry.rawValue, level) : isMisconfiguredTable(entry.rawValue, level)
  }
}

// Most entries of most walks are readable, and only what is not readable can misconfigure by its rights or not be present: one comparison
// tells all that a walk asks of such an entry.
extension EntryRules {
  /// Whether an entry above the PTE is readable, refers to a table and has no reserved bit: present then, and not misconfigured.
  @inlinable @inline(__always)
  func isPlainTable(_ entry: UInt64) -> Bool { entry & (reservedAddress | 0xf9) == 1 }

  /// Whether an entry that maps a page of this level is readable, has no reserved bit and a valid memory type: present then, and not
  /// misconfigured.
  @inlinable @inline(__always)
  func isPlainPage(_ entry: UInt64, _ level: Level) -> Bool {
    entry & (reservedInPage(level) | 1) == 1 && badLeaf &>> (entry & 63) & 1 == 0
  }
}
