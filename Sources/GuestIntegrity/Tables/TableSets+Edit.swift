import Addresses
import EPT

extension TableSets {
  /// Changes the rights of pages in both sets, in one pass; large leaves are split where a part of them changes.
  ///
  /// The pages lie in guest memory. Pages that are not mapped are passed over.
  mutating func edit(
    _ range: PageRange, normal: RightsChange, integrity: RightsChange
  ) throws(TableError) -> InvalidationDebt {
    guard pool.available >= tablesNeeded(for: range, isCommon: normal == integrity) else { throw .outOfTablePages }
    var debt = InvalidationDebt.none
    let edit = Edit(
      start: range.first.rawValue, end: range.last.rawValue + 1, normal: normal,
      integrity: roots.isShared ? normal : integrity)
    try apply(edit, to: roots, level: 4, first: 0, &debt)
    return debt
  }

  /// Lets the integrity set execute pages, and nothing beside them that it could not execute before.
  mutating func exposeExecution(of range: PageRange) throws(TableError) -> InvalidationDebt {
    try edit(range, normal: .none, integrity: .grant(.execute))
  }

  /// How many host pages an edit takes at most: a table or two where a large leaf at either end is split, and a copy of
  /// each table on the way where the sets part.
  private func tablesNeeded(for range: PageRange, isCommon: Bool) -> Int {
    guard !isCommon, !roots.isShared else { return 4 }
    return (2...4).reduce(4) { sum, level in
      let shift = Self.pageShift(level: level)
      return sum + Int((range.last.rawValue >> shift) - (range.first.rawValue >> shift)) + 1
    }
  }

  private struct Edit {
    var start: UInt64
    var end: UInt64
    var normal: RightsChange
    var integrity: RightsChange

    var isCommon: Bool { normal == integrity }
    var exposesExecution: Bool { integrity.granted.contains(.execute) && !normal.granted.contains(.execute) }
  }

  private mutating func apply(
    _ edit: Edit, to tables: TablePair, level: Int, first: UInt64, _ debt: inout InvalidationDebt
  ) throws(TableError) {
    let shift = Self.pageShift(level: level)
    let span = UInt64(1) << shift
    let start = max(edit.start, first)
    let end = min(edit.end, first + span << 9)
    var page = start
    while page < end {
      let index = Int((page - first) >> shift)
      let entryFirst = first + UInt64(index) << shift
      let next = min(end, entryFirst + span)
      defer { page = next }
      var entries = read(index, of: tables)
      guard entries.normal.isPresent else { continue }
      if entries.normal.isLeaf(level: level) {
        let new = EntryPair(normal: edit.normal, integrity: edit.integrity, applyingTo: entries)
        guard new != entries else { continue }
        if next - page == span {
          replace(entries, by: new, at: index, of: tables, level: level, &debt)
          continue
        }
        entries = try split(entries, at: index, of: tables, level: level, &debt)
      }
      if !edit.isCommon, entries.normal.address == entries.integrity.address {
        entries = try unshare(entries, at: index, of: tables, level: level, &debt)
      }
      if edit.exposesExecution {
        entries = pushDownExecution(entries, at: index, of: tables, level: level, &debt)
      }
      let children = TablePair(normal: entries.normal.address, integrity: entries.integrity.address)
      try apply(edit, to: children, level: level - 1, first: entryFirst, &debt)
    }
  }
}

extension TableSets.EntryPair {
  /// The leaves after a change of rights.
  fileprivate init(normal: RightsChange, integrity: RightsChange, applyingTo old: Self) {
    self = old
    self.normal.rights = normal.applied(to: old.normal.rights)
    self.integrity.rights = integrity.applied(to: old.integrity.rights)
  }
}
