import Addresses
import EPT

/// A broken invariant of the table sets, in one sentence.
public struct TableFinding: Hashable, Sendable, CustomStringConvertible {
  /// What was found, and where.
  public let description: String
  /// Where the entry lies that would misconfigure if a walk met it; nil for any other finding.
  package var misconfigured: HostPhysicalAddress?
}

extension TableSets {
  /// Checks the invariants of both hierarchies and returns what is broken: no entry that would misconfigure; the same
  /// structure and frames in both sets, write rights withheld in leaves only, every table inside the pool and referred to
  /// as often as the pool says.
  ///
  /// It ends on any content of the tables: no table outside the pool is read, and none twice at one level.
  package func audit() -> [TableFinding] {
    var audit = TableAudit(sets: self)
    audit.count(roots.normal)
    audit.lint(roots.normal, .pml4e, first: 0)
    if !roots.isShared {
      audit.count(roots.integrity)
      audit.lint(roots.integrity, .pml4e, first: 0)
    }
    audit.compare(roots, .pml4e, first: 0)
    audit.compareReferences()
    return audit.findings
  }
}

private struct TableAudit {
  let sets: TableSets
  var findings: [TableFinding] = []
  private var references: [HostPhysicalAddress: Int] = [:]
  private var linted: Set<Visit<HostPhysicalAddress>> = []
  private var compared: Set<Visit<TableSets.TablePair>> = []

  private struct Visit<Tables: Hashable>: Hashable {
    let tables: Tables
    let level: Level
  }

  init(sets: TableSets) { self.sets = sets }

  mutating func count(_ table: HostPhysicalAddress) { references[table, default: 0] += 1 }

  /// Looks for entries of one hierarchy that would misconfigure, or be present without being readable.
  mutating func lint(_ table: HostPhysicalAddress, _ level: Level, first: UInt64) {
    guard sets.pool.contains(table), linted.insert(Visit(tables: table, level: level)).inserted else { return }
    for index in 0..<512 {
      let page = first + UInt64(index) << level.pageShift
      let entry = sets.read(index, of: table).entry
      switch sets.rules.decode(entry, at: level) {
      case .notPresent: continue
      case .page(_, let rights, _):
        if !rights.contains(.read) { report("may not be read", page) }
      case .table(let next, let rights):
        if !rights.contains(.read) { report("may not be read", page) }
        if let below = level.below { lint(next, below, first: page) }
      case .misconfigured(let reasons):
        reportMisconfigured(entry, at: table.qword(index), level, page, reasons)
      }
    }
  }

  private mutating func reportMisconfigured(
    _ entry: EPTEntry, at address: HostPhysicalAddress, _ level: Level, _ page: UInt64, _ reasons: Misconfiguration
  ) {
    let reserved = sets.rules.reservedBits(of: entry, at: level)
    let why = reasons.sentences.joined(separator: "; ") + (reserved == 0 ? "" : " (\(hex(reserved)))")
    findings.append(
      TableFinding(
        description: "page \(hex(page)) has an \(level.entryName) \(hex(entry.rawValue)) at \(hex(address.rawValue)) "
          + "that misconfigures: \(why)", misconfigured: address))
  }

  /// Compares both hierarchies, as far down as their entries are what the sets write.
  mutating func compare(_ tables: TableSets.TablePair, _ level: Level, first: UInt64) {
    // Children are counted once for each table that refers to them.
    guard compared.insert(Visit(tables: tables, level: level)).inserted else { return }
    for index in 0..<512 {
      let page = first + UInt64(index) << level.pageShift
      let entries = sets.read(index, of: tables)
      guard page < sets.pageCount else {
        if entries.normal != .absent || entries.integrity != .absent { report("maps memory past the guest's", page) }
        continue
      }
      compare(entries, page: page, level)
      guard let below = level.below, isTable(entries.normal, level), isTable(entries.integrity, level) else { continue }
      count(entries.normal.address)
      if !tables.isShared { count(entries.integrity.address) }
      guard sets.pool.contains(entries.normal.address), sets.pool.contains(entries.integrity.address) else {
        report("has a table outside the pool", page)
        continue
      }
      compare(entries.tables, below, first: page)
    }
  }

  private func isTable(_ entry: TableEntry, _ level: Level) -> Bool { entry.isPresent && !entry.isLeaf(at: level) }

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
    for (table, count) in references.sorted(by: { $0.key.rawValue < $1.key.rawValue })
    where sets.pool.references(to: table) != count {
      report("has a table referred to \(count) times, not as often as the pool says", table.rawValue >> 12)
    }
    if references.count != sets.pool.used {
      findings.append(TableFinding(description: "\(sets.pool.used) table pages are taken, \(references.count) in use"))
    }
  }

  private mutating func report(_ what: String, _ page: UInt64) {
    findings.append(TableFinding(description: "page \(hex(page)) \(what)"))
  }
}
