import Addresses

/// The guest's registers that bear on translation and on what an exit reports.
@frozen
public struct GuestState: Hashable, Sendable {
  /// CR0.PE: protection is enabled.
  public var protection = true
  /// CR0.PG: paging is enabled, in the ``mode`` that other registers select.
  public var paging = true
  /// What CR4.PAE, CR4.LA57 and IA32_EFER.LMA select; `off` is as ``paging`` false.
  public var mode = PagingMode.fourLevel
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
  /// CR4.PSE: 4-MByte pages with 32-bit paging.
  public var pageSizeExtensions = true
  /// CR4.PGE: the G flag of guest entries counts.
  public var globalPages = true
  /// CR4.PCIDE: CR3 bits 11:0 are a PCID.
  public var processContextIDs = false
  /// IA32_EFER.NXE: bit 63 of guest entries is execute-disable, else reserved.
  public var noExecute = true
  /// CR4.PKE: PKRU restricts data accesses to user-mode addresses.
  public var protectionKeys = false
  /// PKRU: bit 2n disables accesses under key n, bit 2n + 1 writes.
  public var pkru: UInt32 = 0
  /// CR4.PKS: IA32_PKRS restricts data accesses to supervisor-mode addresses.
  public var supervisorKeys = false
  /// IA32_PKRS, in the format of PKRU.
  public var pkrs: UInt32 = 0
  /// CR4.CET, with shadow stacks enabled in the MSRs.
  public var shadowStacks = false
  /// A token of a shadow stack is busy before the instruction that made it so has completed: its EPT violations are no #VE
  /// (SDM vol. 3C, "Convertible EPT Violations").
  public var prematurelyBusyShadowStack = false
  /// CR3.
  public var cr3: UInt64 = 0
  /// The PDPTE registers of PAE paging.
  public var pdptes = PDPTERegisters()
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

  /// The paging mode in force.
  @inlinable package var pagingMode: PagingMode { paging ? mode : .off }

  /// Whether the guest is as the walk of the hot path takes it: 4-level paging without protection keys and shadow stacks.
  @inlinable
  var isPlain: Bool { paging && mode == .fourLevel && !protectionKeys && !supervisorKeys && !shadowStacks }

  /// The PCID in force; 0 without CR4.PCIDE.
  @inlinable package var pcid: UInt16 {
    processContextIDs && !pagingMode.is32Bit ? UInt16(truncatingIfNeeded: cr3 & 0xfff) : 0
  }
}

/// The four PDPTE registers of PAE paging; 0 at first, when no linear address is mapped.
@frozen
public struct PDPTERegisters: Hashable, Sendable {
  @usableFromInline var values = SIMD4<UInt64>()

  /// All 0.
  @inlinable public init() {}

  /// The register of this number, 0...3; of the number only bits 1:0 are looked at.
  @inlinable
  public subscript(number: Int) -> UInt64 {
    get { values[number & 3] }
    set { values[number & 3] = newValue }
  }
}
