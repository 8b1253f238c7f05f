import Addresses

/// An EPT entry as the table sets write it: present entries grant reading, leaves are write-back memory.
///
/// SDM vol. 3C, "The Extended Page Table Mechanism", tables "Format of an EPT ... Entry".
struct TableEntry: Hashable, Sendable {
  var bits: UInt64

  static let notPresent = Self(bits: 0)
  private static let frameMask: UInt64 = 0x000f_ffff_ffff_f000
  private static let rightsMask: UInt64 = 0b110
  private static let writeBack: UInt64 = 6 << 3
  private static let largeLeaf: UInt64 = 1 << 7

  /// A leaf of `level` (1 = 4 KiB, 2 = 2 MiB, 3 = 1 GiB).
  static func leaf(_ frame: HostPhysicalAddress, level: Int, _ rights: Rights) -> Self {
    Self(bits: frame.rawValue | writeBack | (level > 1 ? largeLeaf : 0) | rights.rawValue | 1)
  }

  /// A reference to the table of the next level.
  static func table(_ table: HostPhysicalAddress, _ rights: Rights = [.write, .execute]) -> Self {
    Self(bits: table.rawValue | rights.rawValue | 1)
  }

  var isPresent: Bool { bits & 1 != 0 }
  func isLeaf(level: Int) -> Bool { level == 1 || bits & Self.largeLeaf != 0 }
  /// The frame of a leaf, or the table an entry refers to.
  var address: HostPhysicalAddress { HostPhysicalAddress(bits & Self.frameMask) }

  var rights: Rights {
    get { Rights(rawValue: bits & Self.rightsMask) }
    set { bits = bits & ~Self.rightsMask | newValue.rawValue }
  }

  /// Whether replacing this entry by another leaves cached translations that grant too much or lead elsewhere.
  func owesInvalidation(to next: Self, level: Int) -> Bool {
    guard isPresent else { return false }
    guard next.isPresent, next.address == address, next.isLeaf(level: level) == isLeaf(level: level) else { return true }
    return !rights.subtracting(next.rights).isEmpty
  }
}
