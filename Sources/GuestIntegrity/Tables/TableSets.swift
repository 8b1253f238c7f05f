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
  let memory: FlatMemory
  /// Pages of guest memory.
  let pageCount: UInt64
  var pool: TablePool
  /// The top tables; equal where there is one set only.
  let roots: TablePair
  private let rules = EntryRules(capabilities: .all, controls: .ept)
  /// The bits of leaves that nobody watches.
  let unwatched: LeafBits

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
  ///   - stripsExecution: in the integrity set nothing is executable until ``exposeExecution(of:)``.
  init(
    memory: FlatMemory, pageCount: UInt64, pool: TablePool, unwatched: LeafBits = .unwatched, twoSets: Bool,
    stripsExecution: Bool
  ) throws(TableError) {
    self.unwatched = unwatched
    self.memory = memory
    self.pageCount = pageCount
    self.pool = pool
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
  static func tablesNeeded(pageCount: UInt64) -> Int {
    // A table of a level covers 512 entries' span; each may be needed once a set.
    Level.allCases.reduce(0) { sum, level in sum + 2 * Int(pageCount >> (level.pageShift + 9) + 1) }
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

extension Level {
  /// log2 of the pages that one entry of the level spans.
  var pageShift: UInt64 { shift - 12 }
  /// Which entry of a table of this level leads to a page.
  func index(ofPage page: UInt64) -> Int { Int(page >> pageShift & 511) }
}

extension FlatMemory {
  /// The eight bytes at an address of any alignment, little endian.
  func loadUnaligned(at address: UInt64) -> UInt64 {
    let shift = (address & 7) * 8
    let low = load(HostPhysicalAddress(address & ~7)) >> shift
    return shift == 0 ? low : low | load(HostPhysicalAddress(address & ~7 + 8)) << (64 - shift)
  }
}

extension HostPhysicalAddress {
  /// The address of a qword of the page that starts here.
  func qword(_ index: Int) -> Self { Self(rawValue + UInt64(index) * 8) }
}

// MARK: - Entries

extension TableSets {
  func read(_ index: Int, of table: HostPhysicalAddress) -> TableEntry { TableEntry(memory.load(table.qword(index))) }

  func write(_ entry: TableEntry, at index: Int, in table: HostPhysicalAddress) {
    memory.store(entry.entry.rawValue, at: table.qword(index))
  }

  func clear(_ table: HostPhysicalAddress) {
    for index in 0..<512 { write(.absent, at: index, in: table) }
  }

  func read(_ index: Int, of tables: TablePair) -> EntryPair {
    let normal = read(index, of: tables.normal)
    return EntryPair(normal: normal, integrity: tables.isShared ? normal : read(index, of: tables.integrity))
  }

  /// Whether a change of an entry leaves cached translations that grant too much or lead elsewhere.
  func owesInvalidation(_ old: TableEntry, _ new: TableEntry, at level: Level) -> Bool {
    EntryEdit(old.entry, new.entry, at: level).owesInvalidation(under: rules)
  }

  /// Replaces the entries of both sets and adds to the debt what that leaves to do.
  func replace(
    _ old: EntryPair, by new: EntryPair, at index: Int, of tables: TablePair, _ level: Level,
    _ debt: inout InvalidationDebt
  ) {
    if new.normal != old.normal {
      write(new.normal, at: index, in: tables.normal)
      let owes = owesInvalidation(old.normal, new.normal, at: level)
      if tables.isShared { debt.wroteShared(owes: owes) } else { debt.wrote(.normal, owes: owes) }
    }
    if !tables.isShared, new.integrity != old.integrity {
      write(new.integrity, at: index, in: tables.integrity)
      debt.wrote(.integrity, owes: owesInvalidation(old.integrity, new.integrity, at: level))
    }
  }
}

// MARK: - Look-ups

extension TableSets {
  /// The EPTP of a set.
  func pointer(of set: TableSet) -> EPTPointer {
    EPTPointer(
      root: set == .integrity ? roots.integrity : roots.normal, accessedDirty: unwatched.contains(.dirty))
  }

  /// The host page that a page of guest memory is mapped to; nil if it is not mapped.
  func frame(of page: GuestPageNumber) -> HostPhysicalAddress? {
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
