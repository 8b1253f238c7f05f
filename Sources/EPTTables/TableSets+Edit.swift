import Addresses
import EPT

extension TableSets {
  /// Changes the leaf bits of pages in both sets, in one pass; large leaves are split where a part of them changes.
  ///
  /// The pages lie in guest memory; pages that are not mapped keep the bits for when they are.
  ///
  /// - Parameters:
  ///   - small: large leaves are split also where all of them changes.
  ///   - debt: takes up what the edit owes.
  /// - Throws: nothing has been changed then.
  package mutating func edit(
    _ range: PageRange, normal: BitsChange, integrity: BitsChange, small: Bool = false,
    owing debt: inout InvalidationDebt
  ) throws(TableError) {
    let edit = Edit(
      start: range.first.rawValue, end: range.last.rawValue + 1, normal: normal,
      integrity: roots.isShared ? normal : integrity,
      isSmall: small || normal.isForSmallLeaves || integrity.isForSmallLeaves)
    guard pool.available >= edit.mostTables || pool.available >= tablesNeeded(for: edit, roots, .pml4e, first: 0)
    else { throw .outOfTablePages }
    try apply(edit, to: roots, .pml4e, first: 0, &debt)
  }

  /// How many host pages an edit takes: a table or two where a part of a large leaf changes, and a copy of each table on
  /// the way where the sets part.
  private func tablesNeeded(for edit: Edit, _ tables: TablePair, _ level: Level, first: UInt64) -> Int {
    var needed = 0
    edit.forEachEntry(level, first: first) { index, entryFirst, isWhole in
      let entries = read(index, of: tables)
      guard entries.normal.isPresent, let below = level.below else { return }
      if entries.normal.isLeaf(at: level) {
        if !isWhole || edit.isSmall, edit.applied(to: entries) != entries {
          needed += edit.isCommon ? entries.tablesToSplit : 2
        }
        return
      }
      if !edit.isCommon, entries.tables.isShared { needed += 1 }
      needed += tablesNeeded(for: edit, entries.tables, below, first: entryFirst)
    }
    return needed
  }

  private mutating func apply(
    _ edit: Edit, to tables: TablePair, _ level: Level, first: UInt64, _ debt: inout InvalidationDebt
  ) throws(TableError) {
    try edit.forEachEntry(level, first: first) { (index, entryFirst, isWhole) throws(TableError) in
      var entries = read(index, of: tables)
      guard entries.normal.isPresent || level == .pte else { return }
      if entries.normal.isLeaf(at: level) {
        let new = edit.applied(to: entries)
        guard new != entries else { return }
        guard !isWhole || edit.isSmall && level > .pte else {
          return replace(entries, by: new, at: index, of: tables, level, &debt)
        }
        entries = try split(entries, at: index, of: tables, level, &debt)
      }
      if !edit.isCommon, entries.tables.isShared {
        entries = try unshare(entries, at: index, of: tables, level, &debt)
      }
      if edit.exposesExecution {
        entries = pushDownExecution(entries, at: index, of: tables, level, &debt)
      }
      guard let below = level.below else { return }
      try apply(edit, to: entries.tables, below, first: entryFirst, &debt)
    }
  }
}

/// A change of leaf bits over a run of pages.
private struct Edit {
  var start: UInt64
  var end: UInt64
  var normal: BitsChange
  var integrity: BitsChange
  var isSmall: Bool

  /// Both sets change alike, so that shared tables stay shared.
  var isCommon: Bool { normal == integrity }
  var exposesExecution: Bool { integrity.granted.contains(.execute) && !normal.granted.contains(.execute) }

  /// The leaves after the change.
  func applied(to old: TableSets.EntryPair) -> TableSets.EntryPair {
    var new = old
    new.normal.bits = normal.applied(to: old.normal.bits)
    new.integrity.bits = integrity.applied(to: old.integrity.bits)
    return new
  }

  /// More pages for tables than this no edit takes: two at either end, and a copy of each table on the way.
  var mostTables: Int {
    guard !isSmall else { return .max }
    guard !isCommon else { return 4 }
    return Level.fourLevels.dropFirst().reduce(4) { sum, level in
      sum + Int((end - 1) >> level.pageShift - start >> level.pageShift) + 1
    }
  }

  /// Calls `body` for each entry of the table at page `first` that the edit concerns, with its first page and whether
  /// all of its pages change.
  func forEachEntry<Failure: Error>(
    _ level: Level, first: UInt64, _ body: (_ index: Int, _ first: UInt64, _ isWhole: Bool) throws(Failure) -> Void
  ) throws(Failure) {
    let last = min(end, first + 512 << level.pageShift)
    var page = max(start, first)
    while page < last {
      let index = (page - first) >> level.pageShift
      let entryFirst = first + index << level.pageShift
      let next = min(last, entryFirst + 1 << level.pageShift)
      try body(Int(index), entryFirst, next - page == 1 << level.pageShift)
      page = next
    }
  }
}
