import EPT
import Recordings

/// What a recording has told of a vCPU's control registers: by them the guest pages as it did. Until it tells of CR0, paging is
/// taken to be on, with 4 levels.
///
/// SMEP, SMAP and protection keys stay off: they depend on the privilege of an access, which a recording does not hold, and every
/// access of it was permitted.
struct PagingRegisters {
  private var cr0: UInt64?
  private var cr4: UInt64?
  private var efer: UInt64?

  /// Takes in a change; true if the processor drops every combined mapping at it (SDM vol. 3A, "Operations that Invalidate TLBs and
  /// Paging-Structure Caches").
  mutating func take(_ change: RecordedEvent.ControlChange) -> Bool {
    let bits: UInt64
    let old: UInt64?
    switch change.register {
    case .cr0: (old, bits, cr0) = (cr0, Self.pg, change.value)
    case .cr4: (old, bits, cr4) = (cr4, Self.pge | Self.pae | Self.pse | Self.la57, change.value)
    case .efer: (old, bits, efer) = (efer, 0, change.value)
    }
    guard let old else { return bits != 0 }
    let (set, cleared) = (change.value & ~old, old & ~change.value)
    if (set | cleared) & bits != 0 { return true }
    return change.register == .cr4 && cleared & Self.pcide | set & Self.smep != 0
  }

  /// Has a guest page as the registers say.
  func apply(to guest: inout GuestState) {
    if let cr0 {
      guest.protection = cr0 & Self.pe != 0
      guest.paging = cr0 & Self.pg != 0
      guest.writeProtect = cr0 & Self.wp != 0
    }
    if let cr4 {
      guest.pageSizeExtensions = cr4 & Self.pse != 0
      guest.globalPages = cr4 & Self.pge != 0
      guest.processContextIDs = cr4 & Self.pcide != 0
    }
    if let efer { guest.noExecute = efer & Self.nxe != 0 }
    guest.mode = mode
  }

  /// What the registers select if paging is on.
  private var mode: PagingMode {
    guard efer.map({ $0 & Self.lme != 0 }) ?? true else {
      return cr4.map { $0 & Self.pae != 0 } ?? true ? .pae : .bits32
    }
    return cr4.map { $0 & Self.la57 != 0 } ?? false ? .fiveLevel : .fourLevel
  }

  private static let pe: UInt64 = 1
  private static let wp: UInt64 = 1 << 16
  private static let pg: UInt64 = 1 << 31
  private static let pse: UInt64 = 1 << 4
  private static let pae: UInt64 = 1 << 5
  private static let pge: UInt64 = 1 << 7
  private static let la57: UInt64 = 1 << 12
  private static let pcide: UInt64 = 1 << 17
  private static let smep: UInt64 = 1 << 20
  private static let lme: UInt64 = 1 << 8
  private static let nxe: UInt64 = 1 << 11
}
