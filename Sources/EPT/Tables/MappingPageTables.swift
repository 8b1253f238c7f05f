import Addresses

/// How pages are mapped: rights, memory type, and the bits that stand beside them.
@frozen
public struct PageAttributes: Hashable, Sendable {
  /// The rights of each page.
  public var rights: Rights
  /// The EPT memory type.
  public var type: MemoryType
  /// Ignore PAT (bit 6).
  public var ignorePAT: Bool
  /// Further bits, of 11 and 52...63.
  public var marks: UInt64

  /// Attributes from their parts: by default write-back memory with all rights.
  public init(rights: Rights = .all, type: MemoryType = .writeBack, ignorePAT: Bool = false, marks: UInt64 = 0) {
    self.rights = rights
    self.type = type
    self.ignorePAT = ignorePAT
    self.marks = marks & 0xfff0_0000_0000_0800
  }

  func leaf(_ address: HostPhysicalAddress, at level: Level) -> EPTEntry {
    let entry = EPTEntry.page(address, at: level, rights: rights, type: type, ignorePAT: ignorePAT)
    return EPTEntry(entry.rawValue | marks)
  }
}

extension PageTables {
  /// Maps pages that are not mapped to host-physical memory from `address` on, with pages as large as alignment, `largest` and the
  /// processor allow.
  ///
  /// Owes nothing, since nothing is cached from an entry that is not present. Throws before anything is changed if a page is mapped already,
  /// the addresses are bad, the entries would not work, or frames may run out.
  public mutating func map(
    _ pages: PageRange, to address: HostPhysicalAddress, _ attributes: PageAttributes = PageAttributes(),
    largest: Level = .pde, in root: HostPhysicalAddress
  ) throws(PageTableError) -> InvalidationOwed {
    guard pages.last.rawValue < 1 << 36 else { throw .addressTooWide(pages.last) }
    let end = address.rawValue &+ pages.count << 12
    let beyond = (rules.reservedAddress | 0xfff0_0000_0000_0000)
    guard address.rawValue & (0xfff | beyond) == 0, (end &- 1) & beyond == 0 else { throw .badHostAddress(address) }
    let sample = attributes.leaf(HostPhysicalAddress(0), at: .pte)
    guard rules.isPresent(sample.rawValue), !rules.isMisconfigured(sample, at: .pte) else {
      throw .wouldNotWork(sample, .pte)
    }
    var made: Set<UInt64> = []
    let leaves = Leaves(pages, to: address, largest: largest, rules)
    for (page, level, _) in leaves { try noteMissingTables(page, level, root, &made) }
    try requireFrames(UInt64(made.count))
    for (page, level, address) in leaves {
      memory.store(attributes.leaf(address, at: level).rawValue, at: makePath(to: page, level, root))
    }
    return InvalidationOwed()
  }

  /// Adds to `made` an identity for each table that a leaf of this level still lacks on its path.
  private func noteMissingTables(
    _ page: GuestPageNumber, _ leafLevel: Level, _ root: HostPhysicalAddress, _ made: inout Set<UInt64>
  ) throws(PageTableError) {
    var table = root
    var level = Level.pml4e
    while true {
      let address = slot(level.index(of: page.address.rawValue), of: table)
      let entry = EPTEntry(memory.load(address))
      if level == leafLevel {
        guard !rules.isPresent(entry.rawValue) else { throw .alreadyMapped(page) }
        return
      }
      guard rules.isPresent(entry.rawValue) else {
        while level > leafLevel, let below = level.below {
          // A missing table is told by its level and by which of its kind it is.
          made.insert(UInt64(below.rawValue) << 48 | page.address.rawValue >> level.shift)
          level = below
        }
        return
      }
      guard !rules.isMisconfigured(entry, at: level) else { throw .misconfigured(address) }
      guard isTable(entry, level), let below = level.below else { throw .alreadyMapped(page) }
      table = entry.table
      level = below
    }
  }

  /// Where the leaf of a page belongs; tables that are missing on the way are made.
  private mutating func makePath(
    to page: GuestPageNumber, _ leafLevel: Level, _ root: HostPhysicalAddress
  ) -> HostPhysicalAddress {
    var table = root
    var level = Level.pml4e
    while level > leafLevel, let below = level.below {
      let address = slot(level.index(of: page.address.rawValue), of: table)
      var entry = EPTEntry(memory.load(address))
      if !rules.isPresent(entry.rawValue) {
        entry = .table(newTable())
        memory.store(entry.rawValue, at: address)
      }
      table = entry.table
      level = below
    }
    return slot(leafLevel.index(of: page.address.rawValue), of: table)
  }
}

/// A run of pages cut into leaves, each as large as alignment, the caller and the processor allow.
private struct Leaves: Sequence, IteratorProtocol {
  private var page: UInt64
  private var frame: UInt64
  private var left: UInt64
  private let largest: Level
  private let rules: EntryRules

  init(_ pages: PageRange, to address: HostPhysicalAddress, largest: Level, _ rules: EntryRules) {
    page = pages.first.rawValue
    frame = address.rawValue >> 12
    left = pages.count
    self.largest = Swift.min(largest, .pdpte)
    self.rules = rules
  }

  mutating func next() -> (GuestPageNumber, Level, HostPhysicalAddress)? {
    guard left > 0 else { return nil }
    var level = largest
    while level > .pte,
      rules.largePageBit(level) == 0 || (page | frame) & (level.pageCount - 1) != 0 || left < level.pageCount
    {
      level = level.below ?? .pte
    }
    defer {
      page += level.pageCount
      frame += level.pageCount
      left -= level.pageCount
    }
    return (GuestPageNumber(page), level, HostPhysicalAddress(frame << 12))
  }
}
