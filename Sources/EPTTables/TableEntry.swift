import Addresses
import EPT

/// An EPT entry as the table sets write it: present entries grant reading, leaves are write-back memory.
struct TableEntry: Hashable, Sendable {
  private(set) var entry: EPTEntry

  /// The entry as it lies in memory.
  init(_ rawValue: UInt64) { entry = EPTEntry(rawValue) }

  /// Maps nothing; an access exits, and is never turned into #VE.
  static let absent = Self(LeafBits.suppressVE.rawValue)

  /// A leaf that maps what `level` spans.
  static func leaf(_ frame: HostPhysicalAddress, level: Level, _ bits: LeafBits) -> Self {
    Self(EPTEntry.page(frame, at: level, rights: .read).rawValue | bits.rawValue)
  }

  /// A reference to the table of the next level.
  static func table(_ table: HostPhysicalAddress, executable: Bool = true) -> Self {
    Self(EPTEntry.table(table, rights: executable ? [.read, .write, .execute] : [.read, .write]).rawValue)
  }

  /// This leaf, not mapping its page any more; its bits are kept where the processor looks at none of them.
  var unmapped: Self { Self(LeafBits.suppressVE.rawValue | bits.rawValue.compressed << 52) }
  /// This leaf mapping its page to `frame`, 4 KiB.
  func mapped(to frame: HostPhysicalAddress) -> Self { .leaf(frame, level: .pte, bits) }

  var isPresent: Bool { entry.rights.contains(.read) }
  func isLeaf(at level: Level) -> Bool { level == .pte || entry.hasPageBit }
  /// Whether what a reference leads to may be executed at all.
  var isExecutable: Bool {
    get { entry.rights.contains(.execute) }
    set { if newValue { entry.rights.insert(.execute) } else { entry.rights.remove(.execute) } }
  }
  /// The frame of a leaf, or the table an entry refers to.
  var address: HostPhysicalAddress { entry.table }

  /// The bits of a leaf, in force or kept while the page is not mapped.
  var bits: LeafBits {
    get {
      LeafBits(rawValue: isPresent ? entry.rawValue : (entry.rawValue >> 52).expanded).intersection(.all)
    }
    set {
      if isPresent {
        entry.rawValue = entry.rawValue & ~LeafBits.all.rawValue | newValue.rawValue
      } else {
        entry.rawValue = LeafBits.suppressVE.rawValue | newValue.rawValue.compressed << 52
      }
    }
  }
}

extension UInt64 {
  private static var kept: [LeafBits] { [.write, .execute, .dirty, .subPageWrite, .suppressVE] }

  /// The leaf bits side by side.
  fileprivate var compressed: UInt64 {
    Self.kept.enumerated().reduce(0) { self & $1.element.rawValue == 0 ? $0 : $0 | 1 << UInt64($1.offset) }
  }

  /// The leaf bits at their places again.
  fileprivate var expanded: UInt64 {
    Self.kept.enumerated().reduce(0) { self >> UInt64($1.offset) & 1 == 0 ? $0 : $0 | $1.element.rawValue }
  }
}
