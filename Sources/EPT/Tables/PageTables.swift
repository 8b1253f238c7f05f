import Addresses

/// Builds and edits EPT paging structures: one or more hierarchies over one memory, which may share tables.
///
/// Every edit returns the invalidation it owes. An edit that fails throws before it has changed anything. A hierarchy is named by its
/// root, the address of its PML4 table. Edits are for one thread; processors may walk the tables meanwhile.
public struct PageTables<Memory: PhysicalMemory> {
  /// The memory the tables lie in.
  public let memory: Memory
  /// Where new tables come from.
  public var frames: FrameAllocator
  /// What the processors make of an entry: large pages, reserved bits, execute-only.
  public let rules: EntryRules
  /// For each table that more than one entry refers to: by how many more.
  var furtherOwners: [HostPhysicalAddress: Int] = [:]

  /// No hierarchy yet, over this memory.
  public init(memory: Memory, frames: FrameAllocator, rules: EntryRules) {
    self.memory = memory
    self.frames = frames
    self.rules = rules
  }

  /// How an edit treats a table that several hierarchies share.
  @frozen
  public enum Sharing: UInt8, Hashable, Sendable {
    /// It is edited in place: every hierarchy that shares it sees the change.
    case kept
    /// It is copied first, all along the path: only the named hierarchy sees the change.
    case broken
  }

  /// A new, empty hierarchy: the address of its PML4 table.
  public mutating func makeRoot() throws(PageTableError) -> HostPhysicalAddress {
    try requireFrames(1)
    return newTable()
  }

  /// A new hierarchy that maps what `root` maps through the same tables: only the PML4 table is its own.
  public mutating func fork(_ root: HostPhysicalAddress) throws(PageTableError) -> HostPhysicalAddress {
    try requireFrames(1)
    return copyTable(root, level: .pml4e)
  }

  /// The entry that ends the walk for a page, its level and where it lies: the leaf, or the entry that is not present.
  public func entry(
    for page: GuestPageNumber, in root: HostPhysicalAddress
  ) -> (entry: EPTEntry, level: Level, address: HostPhysicalAddress) {
    var nobody = NoObserver()
    let start = WalkStart(table: root, level: .pml4e, granted: ~0)
    let walk = rules.walk(page.address, from: start, in: memory, &nobody)
    return (walk.entry, walk.level, walk.entryAddress)
  }

  /// Whether more than one entry refers to a table.
  public func isShared(_ table: HostPhysicalAddress) -> Bool { furtherOwners[table, default: 0] > 0 }

  // MARK: Words and tables

  func slot(_ index: UInt64, of table: HostPhysicalAddress) -> HostPhysicalAddress {
    HostPhysicalAddress(table.rawValue | index << 3)
  }

  func isTable(_ entry: EPTEntry, _ level: Level) -> Bool {
    rules.isPresent(entry.rawValue) && !rules.mapsPage(entry.rawValue, level)
  }

  func requireFrames(_ needed: UInt64) throws(PageTableError) {
    guard needed <= frames.available else { throw .outOfFrames(needed: needed, available: frames.available) }
  }

  /// A table of zeros. The caller has made sure that a frame is left.
  mutating func newTable() -> HostPhysicalAddress {
    let table = frames.allocate() ?? HostPhysicalAddress(0)
    for index in UInt64(0)..<512 { memory.store(0, at: slot(index, of: table)) }
    return table
  }

  /// A copy of a table; what it refers to has one more owner. The caller has made sure that a frame is left.
  mutating func copyTable(_ table: HostPhysicalAddress, level: Level) -> HostPhysicalAddress {
    let copy = frames.allocate() ?? HostPhysicalAddress(0)
    for index in UInt64(0)..<512 {
      let entry = EPTEntry(memory.load(slot(index, of: table)))
      if isTable(entry, level) { furtherOwners[entry.table, default: 0] += 1 }
      memory.store(entry.rawValue, at: slot(index, of: copy))
    }
    return copy
  }
}

/// Why an edit of EPT paging structures was refused; nothing was changed.
public enum PageTableError: Error, Hashable, Sendable {
  /// The edit may need this many tables, and fewer frames are left.
  case outOfFrames(needed: UInt64, available: UInt64)
  /// The page is not mapped, so there is nothing to edit.
  case notMapped(GuestPageNumber)
  /// The page is mapped already.
  case alreadyMapped(GuestPageNumber)
  /// The page has a guest-physical address beyond 47 bits, which 4-level EPT cannot map.
  case addressTooWide(GuestPageNumber)
  /// The host-physical address is not a multiple of 4 KiB, or the pages run beyond MAXPHYADDR.
  case badHostAddress(HostPhysicalAddress)
  /// The entry so edited would be misconfigured, or would not be present.
  case wouldNotWork(EPTEntry, Level)
  /// A misconfigured entry stands in the way, at this address.
  case misconfigured(HostPhysicalAddress)
}

extension PageTableError: CustomStringConvertible {
  /// One sentence: what was found and what is needed.
  public var description: String {
    func hex(_ value: UInt64) -> String { "0x" + String(value, radix: 16) }
    return switch self {
    case .outOfFrames(let needed, let available):
      "the edit may need \(needed) table frames and \(available) are left; give the allocator more"
    case .notMapped(let page): "guest page \(hex(page.rawValue)) is not mapped; map it first"
    case .alreadyMapped(let page): "guest page \(hex(page.rawValue)) is mapped already; unmap it first"
    case .addressTooWide(let page): "guest page \(hex(page.rawValue)) lies beyond the 48 bits that 4-level EPT can map"
    case .badHostAddress(let address):
      "host-physical address \(hex(address.rawValue)) is not a multiple of 4 KiB or runs beyond MAXPHYADDR"
    case .wouldNotWork(let entry, let level):
      "an \(level.entryName) \(hex(entry.rawValue)) would be misconfigured or not present; choose rights that include reading"
    case .misconfigured(let address): "the entry at \(hex(address.rawValue)) is misconfigured; repair it first"
    }
  }
}
