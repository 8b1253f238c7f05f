import Addresses
import EPT

extension TableSets {
  /// Ends the mapping of a page of guest memory in both sets; its bits are kept for when it is mapped again.
  ///
  /// - Throws: nothing has been changed then.
  package mutating func unmap(_ page: GuestPageNumber, owing debt: inout InvalidationDebt) throws(TableError) {
    try changeLeaf(of: page, &debt) { $0.unmapped }
  }

  /// Maps a page of guest memory to a frame in both sets, with the bits it has or had.
  ///
  /// - Throws: nothing has been changed then.
  package mutating func map(
    _ page: GuestPageNumber, to frame: HostPhysicalAddress, owing debt: inout InvalidationDebt
  ) throws(TableError) {
    try changeLeaf(of: page, &debt) { $0.mapped(to: frame) }
  }

  private mutating func changeLeaf(
    of page: GuestPageNumber, _ debt: inout InvalidationDebt, _ change: (TableEntry) -> TableEntry
  ) throws(TableError) {
    var tables = roots
    for level in [Level.pml4e, .pdpte, .pde] {
      let index = level.index(ofPage: page.rawValue)
      var entries = read(index, of: tables)
      // The only large leaves are those of page directories: where splitting fails, nothing has been changed yet.
      if entries.normal.isLeaf(at: level) { entries = try split(entries, at: index, of: tables, level, &debt) }
      tables = entries.tables
    }
    let index = Level.pte.index(ofPage: page.rawValue)
    let old = read(index, of: tables)
    let new = EntryPair(normal: change(old.normal), integrity: change(old.integrity))
    replace(old, by: new, at: index, of: tables, .pte, &debt)
  }

  /// Replaces tables by 2 MiB leaves where all pages have consecutive frames and the same bits, in both sets.
  package mutating func merge(_ range: PageRange, owing debt: inout InvalidationDebt) {
    for region in (range.first.rawValue >> 9)...(range.last.rawValue >> 9) where (region + 1) << 9 <= pageCount {
      merge(page: region << 9, &debt)
    }
  }

  private mutating func merge(page: UInt64, _ debt: inout InvalidationDebt) {
    var tables = roots
    for level in [Level.pml4e, .pdpte] { tables = read(level.index(ofPage: page), of: tables).tables }
    let index = Level.pde.index(ofPage: page)
    let old = read(index, of: tables)
    guard !old.normal.isLeaf(at: .pde), let normal = largeLeaf(of: old.normal),
      let integrity = largeLeaf(of: old.integrity)
    else { return }
    replace(old, by: EntryPair(normal: normal, integrity: integrity), at: index, of: tables, .pde, &debt)
    pool.release(old.normal.address)
    if !tables.isShared { pool.release(old.integrity.address) }
  }

  /// The 2 MiB leaf that says what the table an entry refers to says; nil if there is none.
  private func largeLeaf(of reference: TableEntry) -> TableEntry? {
    let first = read(0, of: reference.address)
    guard first.isPresent, first.address.rawValue & (Level.pde.byteCount - 1) == 0,
      first.bits.symmetricDifference(unwatched).isDisjoint(with: [.dirty, .subPageWrite])
    else { return nil }
    for index in 1..<512
    where read(index, of: reference.address).entry.rawValue != first.entry.rawValue + UInt64(index) << 12 {
      return nil
    }
    var bits = first.bits
    if !reference.isExecutable { bits.remove(.execute) }
    return .leaf(first.address, level: .pde, bits)
  }
}
