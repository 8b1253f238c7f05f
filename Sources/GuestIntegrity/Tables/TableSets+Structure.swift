import Addresses
import EPT

extension TableSets {
  /// Replaces a large leaf by a table of leaves of the next level, with the same frames and rights.
  ///
  /// One table serves both sets if they grant the same writes: execute rights that the integrity set withholds stay
  /// withheld in its reference.
  mutating func split(
    _ old: EntryPair, at index: Int, of tables: TablePair, level: Int, _ debt: inout InvalidationDebt
  ) throws(TableError) -> EntryPair {
    let new: EntryPair
    if old.normal.rights.symmetricDifference(old.integrity.rights).contains(.write) {
      guard pool.available >= 2 else { throw .outOfTablePages }
      let normal = try fill(from: old.normal, level: level, rights: old.normal.rights, &debt)
      let integrity = try fill(from: old.integrity, level: level, rights: old.integrity.rights, &debt)
      new = EntryPair(normal: .table(normal), integrity: .table(integrity))
    } else {
      let rights = old.normal.rights.union(old.integrity.rights)
      let table = try fill(from: old.normal, level: level, rights: rights, &debt)
      if !tables.isShared { pool.retain(table) }
      let withheld = rights.subtracting(old.integrity.rights)
      new = EntryPair(
        normal: .table(table, Rights([.write, .execute]).subtracting(rights.subtracting(old.normal.rights))),
        integrity: .table(table, Rights([.write, .execute]).subtracting(withheld)))
    }
    replace(old, by: new, at: index, of: tables, level: level, &debt)
    return tables.isShared ? EntryPair(normal: new.normal, integrity: new.normal) : new
  }

  private mutating func fill(
    from leaf: TableEntry, level: Int, rights: Rights, _ debt: inout InvalidationDebt
  ) throws(TableError) -> HostPhysicalAddress {
    guard let table = pool.take() else { throw .outOfTablePages }
    let frameBytes = UInt64(4096) << Self.pageShift(level: level - 1)
    for index in 0..<512 {
      let frame = HostPhysicalAddress(leaf.address.rawValue + UInt64(index) * frameBytes)
      write(.leaf(frame, level: level - 1, rights), at: index, in: table)
    }
    debt.filled(512)
    return table
  }

  /// Gives the integrity set a table of its own where the entries of both sets refer to the same one.
  mutating func unshare(
    _ old: EntryPair, at index: Int, of tables: TablePair, level: Int, _ debt: inout InvalidationDebt
  ) throws(TableError) -> EntryPair {
    guard let copy = pool.take() else { throw .outOfTablePages }
    for index in 0..<512 {
      let entry = read(index, of: old.normal.address)
      write(entry, at: index, in: copy)
      if entry.isPresent, !entry.isLeaf(level: level - 1) { pool.retain(entry.address) }
    }
    debt.filled(512)
    _ = pool.release(old.integrity.address)
    let new = EntryPair(normal: old.normal, integrity: .table(copy, old.integrity.rights))
    replace(old, by: new, at: index, of: tables, level: level, &debt)
    return new
  }

  /// Moves the execute right that the integrity set's reference withholds into the entries of the table it refers to.
  mutating func pushDownExecution(
    _ old: EntryPair, at index: Int, of tables: TablePair, level: Int, _ debt: inout InvalidationDebt
  ) -> EntryPair {
    guard !old.integrity.rights.contains(.execute) else { return old }
    for index in 0..<512 {
      var entry = read(index, of: old.integrity.address)
      guard entry.isPresent, entry.rights.contains(.execute) else { continue }
      entry.rights.remove(.execute)
      write(entry, at: index, in: old.integrity.address)
      debt.wrote(.integrity, owes: true)
    }
    var new = old
    new.integrity.rights.insert(.execute)
    replace(old, by: new, at: index, of: tables, level: level, &debt)
    return new
  }
}
