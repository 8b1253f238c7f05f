/// A memory type with its encoding in EPT entries, EPTP and PAT (SDM vol. 3A, "Memory Types and Their Properties").
@frozen
public enum MemoryType: UInt8, Hashable, Sendable, CaseIterable {
  /// Strong uncacheable (UC).
  case uncacheable = 0
  /// Write combining (WC).
  case writeCombining = 1
  /// Write through (WT).
  case writeThrough = 4
  /// Write protected (WP).
  case writeProtected = 5
  /// Write back (WB).
  case writeBack = 6
  /// Uncached (UC-): an encoding of the PAT only, reserved in an EPT entry.
  case uncachedMinus = 7

  /// The manual's short name.
  public var name: String {
    switch self {
    case .uncacheable: "UC"
    case .writeCombining: "WC"
    case .writeThrough: "WT"
    case .writeProtected: "WP"
    case .writeBack: "WB"
    case .uncachedMinus: "UC-"
    }
  }

  /// The type of an access made with EPT (SDM vol. 3C, "Memory Type Used for Translated Guest-Physical Addresses").
  ///
  /// CR0.CD = 1 gives UC; ignore-PAT gives the EPT type; otherwise the EPT type is combined with the PAT type as MTRR and PAT are
  /// combined without EPT. The MTRRs take no part. `pat` is WB where CR0.PG = 0.
  package static func effective(ept: MemoryType, ignorePAT: Bool, pat: MemoryType, cacheDisabled: Bool) -> MemoryType {
    if cacheDisabled { return .uncacheable }
    if ignorePAT { return ept }
    switch pat {
    case .uncacheable: return .uncacheable
    case .uncachedMinus: return ept == .writeCombining || ept == .writeProtected ? .writeCombining : .uncacheable
    case .writeCombining: return .writeCombining
    case .writeThrough: return ept == .uncacheable || ept == .writeCombining ? .uncacheable : .writeThrough
    case .writeBack: return ept
    case .writeProtected: return ept == .uncacheable || ept == .writeCombining ? .uncacheable : .writeProtected
    }
  }

  /// The PAT type that bits PAT, PCD and PWT of a guest entry select from IA32_PAT (SDM vol. 3A, "Page Attribute Table (PAT)").
  ///
  /// A reserved encoding in the register (2, 3) counts as UC; WRMSR would have refused it.
  package static func pat(register: UInt64, pat: Bool, cacheDisable: Bool, writeThrough: Bool) -> MemoryType {
    let index = UInt64(pat ? 4 : 0) | (cacheDisable ? 2 : 0) | (writeThrough ? 1 : 0)
    return MemoryType(rawValue: UInt8(truncatingIfNeeded: register >> (index * 8) & 7)) ?? .uncacheable
  }
}
