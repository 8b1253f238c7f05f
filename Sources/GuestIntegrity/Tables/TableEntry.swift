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
  private static let keptRights: EPTRights = [.write, .execute]

  /// A leaf that maps what `level` spans.
  static func leaf(_ frame: HostPhysicalAddress, level: Level, _ rights: EPTRights) -> Self {
    var leaf = Self.absent
    leaf.entry.address = frame
    leaf.entry.rights = rights.union(.read)
    leaf.entry.memoryTypeCode = MemoryType.writeBack.rawValue
    leaf.entry.isLarge = level > .pt
    return leaf
  }

  /// A reference to the table of the next level.
  static func table(_ table: HostPhysicalAddress, _ rights: EPTRights = [.write, .execute]) -> Self {
    var reference = Self.absent
    reference.entry.address = table
    reference.entry.rights = rights.union(.read)
    return reference
  }

  /// This leaf, not mapping its page any more.
  var unmapped: Self { Self(rights.rawValue << Self.keptShift) }
  /// This leaf mapping its page to `frame`, 4 KiB.
  func mapped(to frame: HostPhysicalAddress) -> Self { .leaf(frame, level: .pt, rights) }

  var isPresent: Bool { entry.rights.contains(.read) }
  func isLeaf(at level: Level) -> Bool { level == .pt || entry.isLarge }
  /// The frame of a leaf, or the table an entry refers to.
  var address: HostPhysicalAddress { entry.address }

  /// The rights granted beside reading, or kept while the page is not mapped.
  var rights: EPTRights {
    get {
      EPTRights(rawValue: isPresent ? entry.rawValue : entry.rawValue >> Self.keptShift).intersection(Self.keptRights)
    }
    set {
      let shift = isPresent ? 0 : Self.keptShift
      entry.rawValue =
        entry.rawValue & ~(Self.keptRights.rawValue << shift)
        | newValue.intersection(Self.keptRights).rawValue << shift
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
