import Addresses
import EPT

/// A broken invariant of the table sets, in one sentence.
public struct TableFinding: Hashable, Sendable, CustomStringConvertible {
  /// What was found, and where.
  public let description: String
}

extension TableSets {
  /// Checks the invariants of both hierarchies and returns what is broken: the same structure and frames in both sets,
  /// write rights withheld in leaves only, every table inside the pool and referred to as often as the pool says.
  func audit() -> [TableFinding] {
    var audit = TableAudit(sets: self)
    audit.count(roots.normal)
    if !roots.isShared { audit.count(roots.integrity) }
    audit.visit(roots, .pml4e, first: 0)
    audit.compareReferences()
    return audit.findings
  }
}

private struct TableAudit {
  let sets: TableSets
  var findings: [TableFinding] = []
  private var references: [HostPhysicalAddress: Int] = [:]
  private var visited: Set<TableSets.TablePair> = []

  init(sets: TableSets) { self.sets = sets }

  mutating func count(_ table: HostPhysicalAddress) { references[table, default: 0] += 1 }

  mutating func visit(_ tables: TableSets.TablePair, _ level: Level, first: UInt64) {
    // Children are counted once for each table that refers to them.
    guard visited.insert(tables).inserted else { return }
    for index in 0..<512 {
      let page = first + UInt64(index) << level.pageShift
      let entries = sets.read(index, of: tables)
      guard page < sets.pageCount else {
        if entries.normal != .absent || entries.integrity != .absent { report("maps memory past the guest's", page) }
        continue
      }
      compare(entries, page: page, level)
      guard let below = level.below, !entries.normal.isLeaf(at: level), entries.normal.isPresent,
        entries.integrity.isPresent
      else { continue }
      count(entries.normal.address)
      if !tables.isShared { count(entries.integrity.address) }
      visit(entries.tables, below, first: page)
    }
  }

  private mutating func compare(_ entries: TableSets.EntryPair, page: UInt64, _ level: Level) {
    let (normal, integrity) = (entries.normal, entries.integrity)
    if normal.isPresent != integrity.isPresent { report("is mapped in one set only", page) }
    guard normal.isPresent, integrity.isPresent else {
      if level > .pte { report("has no table below its entry of level \(level.rawValue)", page) }
      return
    }
    if normal.isLeaf(at: level) != integrity.isLeaf(at: level) { report("differs in page size", page) }
    guard normal.isLeaf(at: level) else {
      let entries = [normal.entry, integrity.entry]
      if entries.contains(where: { !$0.rights.contains([.read, .write]) }) || !normal.isExecutable {
        report("has rights withheld above its leaf", page)
      }
      return
    }
    if normal.address != integrity.address { report("leads to different frames", page) }
  }

  mutating func compareReferences() {
    for (table, count) in references where sets.pool.references(to: table) != count {
      report("has a table referred to \(count) times, not as often as the pool says", table.rawValue >> 12)
    }
    if references.count != sets.pool.used {
      findings.append(TableFinding(description: "\(sets.pool.used) table pages are taken, \(references.count) in use"))
    }
  }

  private mutating func report(_ what: String, _ page: UInt64) {
    findings.append(TableFinding(description: "page 0x\(String(page, radix: 16)) \(what)"))
  }
}
