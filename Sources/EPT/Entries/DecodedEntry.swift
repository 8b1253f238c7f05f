import Addresses

/// What an EPT entry means at its level under given rules.
package enum DecodedEntry: Hashable, Sendable {
  /// Not present: bits 62:3 are ignored; bit 63 decides whether the violation may become a #VE.
  case notPresent(suppressVE: Bool)
  /// Present and misconfigured, for these reasons.
  case misconfigured(Misconfiguration)
  /// Refers to the table below, with the rights that it grants.
  case table(HostPhysicalAddress, Rights)
  /// Maps a page of the level's size.
  case page(HostPhysicalAddress, Rights, MemoryType)
}

/// The reasons for an EPT misconfiguration, M1...M5 (SDM vol. 3C, "EPT Misconfigurations"); several may hold at once.
@frozen
public struct Misconfiguration: OptionSet, Hashable, Sendable {
  /// The reasons as bits.
  public let rawValue: UInt8
  /// Reasons from bits.
  @inlinable public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// M1: bit 0 is clear and bit 1 is set.
  @inlinable package static var writableNotReadable: Misconfiguration { Misconfiguration(rawValue: 1) }
  /// M2: execute-only, and the processor does not support it.
  @inlinable package static var executeOnlyUnsupported: Misconfiguration { Misconfiguration(rawValue: 2) }
  /// M3: a leaf with paging-write access (bit 58) that is not readable.
  @inlinable package static var pagingWriteNotReadable: Misconfiguration { Misconfiguration(rawValue: 4) }
  /// M4: a reserved bit is set.
  @inlinable package static var reservedBit: Misconfiguration { Misconfiguration(rawValue: 8) }
  /// M5: a leaf whose memory type is 2, 3 or 7.
  @inlinable package static var memoryType: Misconfiguration { Misconfiguration(rawValue: 16) }

  /// One sentence part a reason, in the order M1...M5.
  package var sentences: [String] {
    var parts: [String] = []
    if contains(.writableNotReadable) { parts.append("writable (bit 1) but not readable (bit 0)") }
    if contains(.executeOnlyUnsupported) { parts.append("execute-only, which this processor does not support") }
    if contains(.pagingWriteNotReadable) { parts.append("paging-write access (bit 58) but not readable (bit 0)") }
    if contains(.reservedBit) { parts.append("a reserved bit is set") }
    if contains(.memoryType) { parts.append("memory type 2, 3 or 7 (bits 5:3)") }
    return parts
  }
}

extension EntryRules {
  /// What the entry means at this level.
  package func decode(_ entry: EPTEntry, at level: Level) -> DecodedEntry {
    guard isPresent(entry.rawValue) else { return .notPresent(suppressVE: entry.suppressesVE) }
    let reasons = misconfigurations(of: entry, at: level)
    guard reasons.isEmpty else { return .misconfigured(reasons) }
    guard mapsPage(entry.rawValue, level) else { return .table(entry.table, entry.rights) }
    let type = MemoryType(rawValue: entry.memoryTypeBits) ?? .uncacheable
    return .page(entry.page(at: level), entry.rights, type)
  }

  /// Every reason for which a present entry is misconfigured at this level; empty for a good one.
  package func misconfigurations(of entry: EPTEntry, at level: Level) -> Misconfiguration {
    let bits = entry.rawValue
    let isLeaf = mapsPage(bits, level)
    var reasons: Misconfiguration = []
    if bits & 1 == 0 {
      if bits & 2 != 0 { reasons.insert(.writableNotReadable) }
      // With bits 1:0 = 10 the table of bad rights does not tell M2 apart; index 0 (nothing but bit 10) does.
      if badRights & 1 != 0 && bits & presentMask & ~3 != 0 { reasons.insert(.executeOnlyUnsupported) }
      if isLeaf && bits & readableIf != 0 { reasons.insert(.pagingWriteNotReadable) }
    }
    if reservedBits(of: entry, at: level) != 0 { reasons.insert(.reservedBit) }
    if isLeaf && [2, 3, 7].contains(entry.memoryTypeBits) { reasons.insert(.memoryType) }
    return reasons
  }

  /// The reserved bits that are set in a present entry of this level.
  package func reservedBits(of entry: EPTEntry, at level: Level) -> UInt64 {
    entry.rawValue & (mapsPage(entry.rawValue, level) ? reservedInPage(level) : reservedInTable(level))
  }
}
