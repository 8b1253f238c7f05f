import Addresses

/// The guest's registers that bear on translation and on what an exit reports.
@frozen
public struct GuestState: Hashable, Sendable {
  /// CR0.PE: protection is enabled.
  public var protection = true
  /// CR0.PG: paging is enabled (4-level paging, IA-32e mode).
  public var paging = true
  /// CR0.WP: supervisor writes respect read-only pages.
  public var writeProtect = true
  /// CR0.CD: caching is disabled; makes every memory type UC.
  public var cacheDisabled = false
  /// CR4.SMEP: supervisor mode may not fetch from user-mode addresses.
  public var smep = false
  /// CR4.SMAP: supervisor mode may not touch data at user-mode addresses unless EFLAGS.AC = 1.
  public var smap = false
  /// EFLAGS.AC.
  public var alignmentCheck = false
  /// CR4.PGE: the G flag of guest entries counts.
  public var globalPages = true
  /// CR4.PCIDE: CR3 bits 11:0 are a PCID.
  public var processContextIDs = false
  /// IA32_EFER.NXE: bit 63 of guest entries is execute-disable, else reserved.
  public var noExecute = true
  /// CR3.
  public var cr3: UInt64 = 0
  /// IA32_PAT.
  public var pat: UInt64 = 0x0007_0406_0007_0406
  /// An event is being delivered through the IDT.
  public var deliveringEvent = false
  /// The access is by an IRET that has just unblocked NMIs.
  public var nmiUnblocking = false
  /// IA32_RTIT_CTL.TraceEn.
  public var traceEnabled = false

  /// Protected mode with paging, WP and NXE, all else off.
  @inlinable public init() {}

  /// The PCID in force; 0 without CR4.PCIDE.
  @inlinable package var pcid: UInt16 { processContextIDs ? UInt16(truncatingIfNeeded: cr3 & 0xfff) : 0 }
}
