import Addresses
import EPT

/// Why a change of the table sets was refused; they are as they were before.
enum TableError: Error, Hashable {
  /// The pool of host pages for tables is used up.
  case outOfTablePages
}

/// The EPT hierarchies of a machine, kept in step: the same structure and frames in both, rights apart where asked.
///
/// Tables are shared by both sets except where their rights differ: on the paths to pages that one set lets be written
/// and the other does not, and to pages that the integrity set lets be executed. Write rights are withheld in leaves
/// only. Execute rights of the integrity set are withheld as high up as possible, so that everything below stays shared.
struct TableSets {
  let memory: HostMemory
  /// Pages of guest memory.
  let pageCount: UInt64
  var pool: TablePool
  /// The top tables; equal where there is one set only.
  let roots: TablePair

  /// The tables of both sets at one place of the hierarchy.
  struct TablePair: Hashable {
    var normal: HostPhysicalAddress
    var integrity: HostPhysicalAddress

    var isShared: Bool { normal == integrity }
  }

  /// The entries of both sets at one place.
  struct EntryPair: Hashable {
    var normal: TableEntry
    var integrity: TableEntry
  }

  /// Maps guest memory to the same host addresses, with 2 MiB leaves as far as they fit; all rights in the normal set.
  ///
  /// - Parameter stripsExecution: in the integrity set nothing is executable until ``exposeExecution(of:)``.
  init(
    memory: HostMemory, pageCount: UInt64, pool: TablePool, twoSets: Bool, stripsExecution: Bool
  ) throws(TableError) {
    self.memory = memory
    self.pageCount = pageCount
    self.pool = pool
    guard let normal = self.pool.take() else { throw .outOfTablePages }
    guard let integrity = twoSets ? self.pool.take() : normal else { throw .outOfTablePages }
    roots = TablePair(normal: normal, integrity: integrity)
    clear(normal)
    if twoSets { clear(integrity) }
    for index in 0..<Self.entriesSpanning(pageCount, level: 4) {
      let first = UInt64(index) << Self.pageShift(level: 4)
      let child = try buildIdentity(level: 3, first: first)
      write(.table(child), at: index, in: normal)
      guard twoSets else { continue }
      write(.table(child, stripsExecution ? [.write] : [.write, .execute]), at: index, in: integrity)
      self.pool.retain(child)
    }
  }

  /// How many host pages the tables of `pageCount` guest pages can need at most.
  static func tablesNeeded(pageCount: UInt64) -> Int {
    (1...4).reduce(0) { sum, level in sum + 2 * Int((pageCount >> pageShift(level: level + 1)) + 1) }
  }

  /// log2 of the pages that one entry of `level` spans.
  static func pageShift(level: Int) -> UInt64 { UInt64(9 * (level - 1)) }

  private static func entriesSpanning(_ pages: UInt64, level: Int) -> Int {
    Int((pages + (1 << pageShift(level: level)) - 1) >> pageShift(level: level))
  }

  private mutating func buildIdentity(level: Int, first: UInt64) throws(TableError) -> HostPhysicalAddress {
    guard let table = pool.take() else { throw .outOfTablePages }
    clear(table)
    let span = UInt64(1) << Self.pageShift(level: level)
    for index in 0..<512 {
      let page = first + UInt64(index) * span
      guard page < pageCount else { break }
      if level == 1 || level == 2 && page + span <= pageCount {
        write(.leaf(HostPhysicalAddress(page << 12), level: level, [.write, .execute]), at: index, in: table)
      } else {
        write(.table(try buildIdentity(level: level - 1, first: page)), at: index, in: table)
      }
    }
    return table
  }
}

// MARK: - Entries

extension TableSets {
  func read(_ index: Int, of table: HostPhysicalAddress) -> TableEntry {
    TableEntry(bits: memory.load(at: table.rawValue + UInt64(index) * 8))
  }

  func write(_ entry: TableEntry, at index: Int, in table: HostPhysicalAddress) {
    memory.store(entry.bits, at: table.rawValue + UInt64(index) * 8)
  }

  func clear(_ table: HostPhysicalAddress) {
    for index in 0..<512 { write(.notPresent, at: index, in: table) }
  }

  func read(_ index: Int, of tables: TablePair) -> EntryPair {
    let normal = read(index, of: tables.normal)
    return EntryPair(normal: normal, integrity: tables.isShared ? normal : read(index, of: tables.integrity))
  }

  /// Replaces the entries of both sets and adds to the debt what that leaves to do.
  func replace(
    _ old: EntryPair, by new: EntryPair, at index: Int, of tables: TablePair, level: Int, _ debt: inout InvalidationDebt
  ) {
    if new.normal != old.normal {
      write(new.normal, at: index, in: tables.normal)
      let owes = old.normal.owesInvalidation(to: new.normal, level: level)
      if tables.isShared { debt.wroteShared(owes: owes) } else { debt.wrote(.normal, owes: owes) }
    }
    if !tables.isShared, new.integrity != old.integrity {
      write(new.integrity, at: index, in: tables.integrity)
      debt.wrote(.integrity, owes: old.integrity.owesInvalidation(to: new.integrity, level: level))
    }
  }
}

// MARK: - Look-ups

extension TableSets {
  /// The EPTP of a set.
  func pointer(of set: TableSet) -> EPTPointer {
    EPTPointer(rawValue: (set == .normal ? roots.normal : roots.integrity).rawValue | 0x1e)
  }

  /// The leaf that maps a page of guest memory in a set, with the rights all entries on the way grant; nil if there is
  /// none.
  func leaf(of page: GuestPageNumber, in set: TableSet) -> (entry: TableEntry, level: Int)? {
    guard page.rawValue < pageCount else { return nil }
    var table = set == .normal ? roots.normal : roots.integrity
    var rights: Rights = [.write, .execute]
    for level in stride(from: 4, through: 1, by: -1) {
      var entry = read(Int(page.rawValue >> Self.pageShift(level: level) & 511), of: table)
      guard entry.isPresent else { return nil }
      rights.formIntersection(entry.rights)
      guard !entry.isLeaf(level: level) else {
        entry.rights = rights
        return (entry, level)
      }
      table = entry.address
    }
    return nil
  }

  /// The host page that a page of guest memory is mapped to; nil if it is not mapped.
  func frame(of page: GuestPageNumber) -> HostPhysicalAddress? {
    leaf(of: page, in: .normal).map { leaf in
      let offset = page.rawValue & (1 << Self.pageShift(level: leaf.level) - 1)
      return HostPhysicalAddress(leaf.entry.address.rawValue + offset << 12)
    }
  }
}
