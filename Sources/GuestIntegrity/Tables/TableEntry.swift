import Addresses
import EPT

/// An EPT entry as the table sets write it: present entries grant reading, leaves are write-back memory.
struct TableEntry: Hashable, Sendable {
  private(set) var entry: EPTEntry

  /// The entry as it lies in memory.
  init(_ rawValue: UInt64) { entry = EPTEntry(rawValue) }

  static let absent = Self(0)
  /// Where an unmapped leaf keeps the rights it will have again: bits 53:52, which the processor ignores.
  private static let keptShift: UInt64 = 51
  private static let keptRights: Rights = [.write, .execute]

  /// A leaf that maps what `level` spans.
  static func leaf(_ frame: HostPhysicalAddress, level: Level, _ rights: Rights) -> Self {
    Self(EPTEntry.page(frame, at: level, rights: rights.union(.read)).rawValue)
  }

  /// A reference to the table of the next level.
  static func table(_ table: HostPhysicalAddress, _ rights: Rights = [.write, .execute]) -> Self {
    Self(EPTEntry.table(table, rights: rights.union(.read)).rawValue)
  }

  /// This leaf, not mapping its page any more.
  var unmapped: Self { Self(rights.entryBits << Self.keptShift) }
  /// This leaf mapping its page to `frame`, 4 KiB.
  func mapped(to frame: HostPhysicalAddress) -> Self { .leaf(frame, level: .pte, rights) }

  var isPresent: Bool { entry.rights.contains(.read) }
  func isLeaf(at level: Level) -> Bool { level == .pte || entry.hasPageBit }
  /// The frame of a leaf, or the table an entry refers to.
  var address: HostPhysicalAddress { entry.table }

  /// The rights granted beside reading, or kept while the page is not mapped.
  var rights: Rights {
    get {
      Rights(entryBits: isPresent ? entry.rawValue : entry.rawValue >> Self.keptShift).intersection(Self.keptRights)
    }
    set {
      let shift = isPresent ? 0 : Self.keptShift
      entry.rawValue =
        entry.rawValue & ~(Self.keptRights.entryBits << shift)
        | newValue.intersection(Self.keptRights).entryBits << shift
    }
  }

  /// Whether replacing this entry by another leaves cached translations that grant too much or lead elsewhere
  /// (SDM vol. 3C, "Guidelines for Use of the INVEPT Instruction").
  func owesInvalidation(to next: Self, at level: Level) -> Bool {
    guard isPresent else { return false }
    guard next.isPresent, next.address == address, next.isLeaf(at: level) == isLeaf(at: level) else { return true }
    return !rights.subtracting(next.rights).isEmpty
  }
}
