import Addresses
import EPT
import Recordings

/// The guest's paging structures, rebuilt in the memory of the emulated machine from what the recording says of them.
///
/// The PML4 table lies at the recorded CR3. Lower tables lie where the recording has them; where it does not, they lie on
/// pages behind the guest's recorded memory (modelled). The kernel half is shared: every root refers to the same tables there,
/// since the recorder notes kernel mappings once and not once a CR3. A leaf is as it was recorded; of a recording that
/// does not tell what of its accessed and dirty flags was the walker's doing, the flags are cleared, so that the walk of
/// the first store sets them.
struct GuestTables {
  private let memory: FlatMemory
  /// Pages of the guest's recorded memory.
  private let recordedPages: UInt64
  /// Pages behind it that hold no table yet.
  private var spare: Range<UInt64>
  private var roots: Set<UInt64> = []
  private var tables: Set<UInt64> = []
  /// Entries 256...511 of every root.
  private var kernelHalf = [UInt64](repeating: 0, count: 256)

  private static let present = GuestEntry.presentBit
  private static let flags = GuestEntry.accessedBit | GuestEntry.dirtyBit
  /// An entry that points to a table, where the recording does not tell: all rights, and accessed, as Linux writes it.
  private static let pointer: UInt64 =
    present | GuestEntry.writableBit | GuestEntry.userBit | GuestEntry.accessedBit

  /// Tables in memory that holds a guest of so many pages, and behind them `pages` in all.
  init(memory: FlatMemory, recordedPages: UInt64, pages: UInt64) {
    self.memory = memory
    self.recordedPages = recordedPages
    spare = recordedPages..<max(recordedPages, pages)
  }

  /// How many pages behind so many of guest memory the tables may take: a quarter, at least 4 MiB. What does not fit
  /// is translated in one dimension.
  static func sparePages(besides pages: UInt64) -> UInt64 { max(1024, pages / 4) + 511 & ~511 }

  /// The page of the PML4 table that a CR3 names, made a root if it is not one yet; nil beyond the guest's memory.
  mutating func root(_ cr3: UInt64) -> UInt64? {
    let page = (cr3 & EPTEntry.addressMask) >> 12
    guard page < recordedPages else { return nil }
    if roots.insert(page).inserted {
      tables.remove(page)
      for index in 0..<512 as Range<UInt64> { store(index < 256 ? 0 : kernelHalf[Int(index - 256)], page, index) }
    }
    return page
  }

  /// Takes in a mapping. Gives the level of the highest present entry that it replaced, all below which the guest will have
  /// invalidated by then; nil if there was none.
  mutating func install(_ mapping: RecordedEvent.LinearMapping) -> Level? {
    let linear = mapping.linear
    guard linear.isCanonical, mapping.entry & Self.present != 0, var table = root(mapping.cr3) else { return nil }
    let leaf: Level = mapping.pageShift == 12 ? .pte : mapping.pageShift == 21 ? .pde : .pdpte
    guard GuestEntry(mapping.entry).mapsPage(at: leaf) else { return nil }
    var replaced: Level?
    var level = Level.pml4e
    while level > leaf, let below = level.below {
      guard let next = descend(table, level, linear, recorded: mapping.tables?[level]) else { return replaced }
      if next.isReplaced, replaced == nil { replaced = level }
      (table, level) = (next.table, below)
    }
    let index = leaf.index(of: linear.rawValue)
    let old = load(table, index)
    let isKnown = old & Self.present != 0
    if mapping.tables != nil {
      if old == mapping.entry { return replaced }
      store(mapping.entry, table, index)
    } else {
      // Each page of a large one brings the mapping again, the same.
      if isKnown, leaf != .pte, (old ^ mapping.entry) & ~Self.flags == 0 { return replaced }
      store(mapping.entry & ~Self.flags, table, index)
    }
    return replaced ?? (isKnown ? leaf : nil)
  }

  /// The table that the entry of a linear address refers to, made or moved if need be, and whether that replaced a present
  /// entry; nil where there is no room.
  private mutating func descend(
    _ table: UInt64, _ level: Level, _ linear: GuestLinearAddress, recorded: UInt64?
  ) -> (table: UInt64, isReplaced: Bool)? {
    let index = level.index(of: linear.rawValue)
    let entry = load(table, index)
    let isKnown = entry & Self.present != 0
    let isTable = isKnown && !GuestEntry(entry).mapsPage(at: level)
    let recorded = recorded.flatMap { isUsable($0, at: level) ? $0 : nil }
    if isTable, recorded == nil || recorded == entry { return (page(of: entry), false) }
    guard let target = recorded.map(page(of:)) ?? spare.popFirst() else { return nil }
    roots.remove(target)
    let isNew = tables.insert(target).inserted
    if isTable, target != page(of: entry), isNew {
      for index in 0..<512 as Range<UInt64> { store(load(page(of: entry), index), target, index) }
    } else if isKnown, !isTable {
      split(entry, level, into: target)
    } else if isNew {
      for index in 0..<512 as Range<UInt64> { store(0, target, index) }
    }
    let new = recorded ?? target << 12 | Self.pointer
    store(new, table, index)
    if level == .pml4e, index >= 256 {
      kernelHalf[Int(index - 256)] = new
      for root in roots { store(new, root, index) }
    }
    return (target, isKnown)
  }

  /// Fills a table with the parts of a large page that it takes the place of.
  private func split(_ entry: UInt64, _ level: Level, into table: UInt64) {
    guard let below = level.below else { return }
    let base = entry & EPTEntry.addressMask & ~level.offsetMask
    var bits = entry & ~EPTEntry.addressMask
    if below == .pte {
      // The PAT bit of a large page is bit 12, that of a PTE is where the large page has its page-size bit.
      bits = bits & ~EPTEntry.pageBit | entry >> 5 & EPTEntry.pageBit
    } else {
      bits |= entry & 1 << 12
    }
    for index in 0..<512 as Range<UInt64> { store(base + index << below.shift | bits, table, index) }
  }

  private func isUsable(_ entry: UInt64, at level: Level) -> Bool {
    entry & Self.present != 0 && !GuestEntry(entry).mapsPage(at: level) && page(of: entry) < recordedPages
  }

  private func page(of entry: UInt64) -> UInt64 { (entry & EPTEntry.addressMask) >> 12 }
  private func load(_ table: UInt64, _ index: UInt64) -> UInt64 {
    memory.load(HostPhysicalAddress(table << 12 | index << 3))
  }
  private func store(_ entry: UInt64, _ table: UInt64, _ index: UInt64) {
    memory.store(entry, at: HostPhysicalAddress(table << 12 | index << 3))
  }
}

extension RecordedEvent.TableEntries {
  fileprivate subscript(level: Level) -> UInt64 {
    switch level {
    case .pml4e: pml4e
    case .pdpte: pdpte
    case .pde: pde
    // Recordings are of guests with 4-level paging.
    case .pte, .pml5e: 0
    }
  }
}
