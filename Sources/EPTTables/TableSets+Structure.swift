import Addresses
import EPT

extension TableSets {
  /// Replaces a large leaf by a table of leaves of the next level, with the same frames and rights.
  ///
  /// One table serves both sets if they differ in execute rights only: those that the integrity set withholds stay
  /// withheld in its reference. Sub-page write permissions are not inherited: in the large leaf they meant nothing.
  mutating func split(
    _ old: EntryPair, at index: Int, of tables: TablePair, _ level: Level, _ debt: inout InvalidationDebt
  ) throws(TableError) -> EntryPair {
    guard pool.available >= old.tablesToSplit else { throw .outOfTablePages }
    let new: EntryPair
    if old.tablesToSplit == 2 {
      let normal = try fill(from: old.normal, level, old.normal.bits, &debt)
      let integrity = try fill(from: old.integrity, level, old.integrity.bits, &debt)
      new = EntryPair(normal: .table(normal), integrity: .table(integrity))
    } else {
      let bits = old.normal.bits.union(old.integrity.bits)
      let table = try fill(from: old.normal, level, bits, &debt)
      if !tables.isShared { pool.retain(table) }
      func executable(_ leaf: TableEntry) -> Bool { leaf.bits.contains(.execute) || !bits.contains(.execute) }
      new = EntryPair(
        normal: .table(table, executable: executable(old.normal)),
        integrity: .table(table, executable: executable(old.integrity)))
    }
    replace(old, by: new, at: index, of: tables, level, &debt)
    return tables.isShared ? EntryPair(normal: new.normal, integrity: new.normal) : new
  }

  private mutating func fill(
    from leaf: TableEntry, _ level: Level, _ bits: LeafBits, _ debt: inout InvalidationDebt
  ) throws(TableError) -> HostPhysicalAddress {
    guard let table = pool.take(), let below = level.below else { throw .outOfTablePages }
    for index in 0..<512 {
      let frame = HostPhysicalAddress(leaf.address.rawValue + UInt64(index) * below.byteCount)
      write(.leaf(frame, level: below, bits.subtracting(.subPageWrite)), at: index, in: table)
    }
    debt.filled(512)
    return table
  }

  /// Gives the integrity set a table of its own where the entries of both sets refer to the same one.
  mutating func unshare(
    _ old: EntryPair, at index: Int, of tables: TablePair, _ level: Level, _ debt: inout InvalidationDebt
  ) throws(TableError) -> EntryPair {
    guard let copy = pool.take(), let below = level.below else { throw .outOfTablePages }
    for index in 0..<512 {
      let entry = read(index, of: old.normal.address)
      write(entry, at: index, in: copy)
      if entry.isPresent, !entry.isLeaf(at: below) { pool.retain(entry.address) }
    }
    debt.filled(512)
    pool.release(old.integrity.address)
    let new = EntryPair(normal: old.normal, integrity: .table(copy, executable: old.integrity.isExecutable))
    replace(old, by: new, at: index, of: tables, level, &debt)
    return new
  }

  /// Moves the execute right that the integrity set's reference withholds into the entries of the table it refers to.
  mutating func pushDownExecution(
    _ old: EntryPair, at index: Int, of tables: TablePair, _ level: Level, _ debt: inout InvalidationDebt
  ) -> EntryPair {
    guard !old.integrity.isExecutable, let below = level.below else { return old }
    for index in 0..<512 {
      let found = read(index, of: old.integrity.address)
      var entry = found
      if entry.isLeaf(at: below) {
        guard entry.bits.contains(.execute) else { continue }
        entry.bits.remove(.execute)
      } else {
        guard entry.isExecutable else { continue }
        entry.isExecutable = false
      }
      replace(found, by: entry, at: index, in: old.integrity.address, below, of: numbers.integrity, &debt)
    }
    var new = old
    new.integrity.isExecutable = true
    replace(old, by: new, at: index, of: tables, level, &debt)
    return new
  }
}

extension TableSets.EntryPair {
  /// How many tables it takes to split these leaves: two where the sets differ in more than execute rights.
  var tablesToSplit: Int {
    normal.bits.symmetricDifference(integrity.bits).subtracting(.execute).isEmpty ? 1 : 2
  }
}
