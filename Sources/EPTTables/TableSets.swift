import Addresses
import EPT

/// The EPT hierarchies of a machine, kept in step: the same structure and frames in both, rights apart where asked.
///
/// Tables are shared by both sets except where their rights differ: on the paths to pages that one set lets be written
/// and the other does not, and to pages that the integrity set lets be executed. Write rights are withheld in leaves
/// only. Execute rights of the integrity set are withheld as high up as possible, so that everything below stays shared.
package struct TableSets {
  package let memory: FlatMemory
  /// Pages of guest memory.
  package let pageCount: UInt64
  package internal(set) var pool: FramePool
  /// The top tables; equal where there is one set only.
  let roots: TablePair
  /// The numbers of the hierarchies; equal where there is one set only.
  let numbers: (normal: Hierarchies, integrity: Hierarchies)
  let rules = EntryRules(capabilities: .all, controls: .ept)
  /// The bits of leaves that nobody watches.
  package let unwatched: LeafBits

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

    /// The tables that both entries refer to.
    var tables: TablePair { TablePair(normal: normal.address, integrity: integrity.address) }
  }

  /// Maps guest memory to the same host addresses, with 2 MiB leaves as far as they fit.
  ///
  /// - Parameters:
  ///   - unwatched: the bits of all leaves to begin with.
  ///   - number: of the normal set's hierarchy; the integrity set's has the next.
  ///   - stripsExecution: in the integrity set nothing is executable until an edit grants it.
  package init(
    memory: FlatMemory, pageCount: UInt64, pool: FramePool, unwatched: LeafBits = .unwatched, number: UInt8 = 0,
    twoSets: Bool, stripsExecution: Bool
  ) throws(TableError) {
    self.unwatched = unwatched
    self.memory = memory
    self.pageCount = pageCount
    self.pool = pool
    numbers = (Hierarchies(number: number), Hierarchies(number: twoSets ? number + 1 : number))
    guard let normal = self.pool.take() else { throw .outOfTablePages }
    guard let integrity = twoSets ? self.pool.take() : normal else { throw .outOfTablePages }
    roots = TablePair(normal: normal, integrity: integrity)
    clear(normal)
    if twoSets { clear(integrity) }
    for index in 0..<512 where UInt64(index) << Level.pml4e.pageShift < pageCount {
      let child = try buildIdentity(.pdpte, first: UInt64(index) << Level.pml4e.pageShift)
      write(.table(child), at: index, in: normal)
      guard twoSets else { continue }
      write(.table(child, executable: !stripsExecution), at: index, in: integrity)
      self.pool.retain(child)
    }
  }

  /// How many host pages the tables of `pageCount` guest pages can need at most.
  package static func tablesNeeded(pageCount: UInt64) -> Int {
    // A table of a level covers 512 entries' span; each may be needed once a set.
    Level.fourLevels.reduce(0) { sum, level in sum + 2 * Int(pageCount >> (level.pageShift + 9) + 1) }
  }

  private mutating func buildIdentity(_ level: Level, first: UInt64) throws(TableError) -> HostPhysicalAddress {
    guard let table = pool.take() else { throw .outOfTablePages }
    clear(table)
    for index in 0..<512 {
      let page = first + UInt64(index) << level.pageShift
      guard page < pageCount else { break }
      if level == .pte || level == .pde && page + 512 <= pageCount {
        write(.leaf(HostPhysicalAddress(page << 12), level: level, unwatched), at: index, in: table)
      } else if let below = level.below {
        write(.table(try buildIdentity(below, first: page)), at: index, in: table)
      }
    }
    return table
  }
}

// MARK: - Entries

extension TableSets {
  func read(_ index: Int, of table: HostPhysicalAddress) -> TableEntry { TableEntry(memory.load(table.qword(index))) }

  func write(_ entry: TableEntry, at index: Int, in table: HostPhysicalAddress) {
    memory.store(entry.entry.rawValue, at: table.qword(index))
  }

  func clear(_ table: HostPhysicalAddress) { memory.fill(table, with: TableEntry.absent.entry.rawValue) }

  func read(_ index: Int, of tables: TablePair) -> EntryPair {
    let normal = read(index, of: tables.normal)
    return EntryPair(normal: normal, integrity: tables.isShared ? normal : read(index, of: tables.integrity))
  }

  /// Replaces the entries of both sets and adds to the debt what that leaves to do.
  func replace(
    _ old: EntryPair, by new: EntryPair, at index: Int, of tables: TablePair, _ level: Level,
    _ debt: inout InvalidationDebt
  ) {
    guard !tables.isShared else {
      return replace(old.normal, by: new.normal, at: index, in: tables.normal, level, of: hierarchies, &debt)
    }
    replace(old.normal, by: new.normal, at: index, in: tables.normal, level, of: numbers.normal, &debt)
    replace(old.integrity, by: new.integrity, at: index, in: tables.integrity, level, of: numbers.integrity, &debt)
  }

  /// Replaces one entry, of a table that these hierarchies lead to.
  func replace(
    _ old: TableEntry, by new: TableEntry, at index: Int, in table: HostPhysicalAddress, _ level: Level,
    of hierarchies: Hierarchies, _ debt: inout InvalidationDebt
  ) {
    guard new != old else { return }
    write(new, at: index, in: table)
    let owes = EntryEdit(old.entry, new.entry, at: level).owesInvalidation(under: rules)
    debt.wrote(owing: owes ? hierarchies : [])
  }
}

// MARK: - Look-ups

extension TableSets {
  /// The EPTPs of the sets; equal where there is one set only.
  package var pointers: (normal: EPTPointer, integrity: EPTPointer) {
    func pointer(_ root: HostPhysicalAddress) -> EPTPointer {
      EPTPointer(root: root, accessedDirty: unwatched.contains(.dirty))
    }
    return (pointer(roots.normal), pointer(roots.integrity))
  }

  /// The hierarchies of all sets.
  package var hierarchies: Hierarchies { numbers.normal.union(numbers.integrity) }

  /// The host page that a page of guest memory is mapped to; nil if it is not mapped.
  package func frame(of page: GuestPageNumber) -> HostPhysicalAddress? {
    guard page.rawValue < pageCount else { return nil }
    var table = roots.normal
    var level = Level.pml4e
    while true {
      let entry = read(level.index(ofPage: page.rawValue), of: table)
      guard entry.isPresent else { return nil }
      guard !entry.isLeaf(at: level), let below = level.below else {
        let offset = page.rawValue & (1 << level.pageShift - 1)
        return HostPhysicalAddress(entry.address.rawValue + offset << 12)
      }
      table = entry.address
      level = below
    }
  }
}
