import Addresses
import EPTTables

/// The write-trace unit: withdraws the write rights of traced pages, in the sets their clients ask for, and gives them
/// back when the last client has dropped its trace.
struct TracingService {
  private(set) var map: TraceMap
  var tables: TableSets
  let noticing: Noticing
  /// With one table set: whether the driver's own pages may be written at the moment.
  private(set) var ownPagesOpen = false

  init(tables: TableSets, noticing: Noticing) {
    self.tables = tables
    self.noticing = noticing
    map = TraceMap(pages: Int(tables.pageCount))
  }

  /// The clients that trace a page; none outside guest memory.
  func clients(of page: GuestPageNumber) -> ClientSet {
    page.rawValue < UInt64(map.pageCount) ? map.clients(of: Int(page.rawValue)) : []
  }

  /// A new client, whose traces are counted; nil after six.
  mutating func addClient() -> TraceClient? { map.addClient() }

  /// Changes traces of pages of guest memory, and the rights of those pages that are traced now and were not, or the
  /// other way.
  ///
  /// - Throws: traces and rights are as they were then; what has been split stays split, and is owed for.
  mutating func apply(
    _ change: TraceMap.Change, to range: PageRange, owing debt: inout InvalidationDebt
  ) throws(TableError) {
    let saved = map.saved(range)
    let runs = map.apply(change, to: range)
    for (done, run) in runs.enumerated() {
      do throws(TableError) {
        try express(run, owing: &debt)
      } catch {
        // Rights of leaves that are split already: no page for tables is needed, so that they do go back.
        for run in runs[..<done] { try? express(run.reversed, owing: &debt) }
        map.restore(saved)
        throw error
      }
    }
  }

  /// Takes over the traces of a machine that was saved; so far nothing has been traced here.
  mutating func adopt(_ saved: TraceMap, owing debt: inout InvalidationDebt) throws(TableError) {
    guard let all = PageRange(first: GuestPageNumber(0), count: UInt64(saved.pageCount)) else { return }
    for var run in saved.runs(in: all) where !run.after.isEmpty {
      run.before = []
      try express(run, owing: &debt)
    }
    map = saved
  }

  /// Lets the driver's own pages be written, or not, in the only table set there is.
  mutating func setOwnPages(
    open: Bool, in ranges: [PageRange], owing debt: inout InvalidationDebt
  ) throws(TableError) {
    guard open != ownPagesOpen else { return }
    ownPagesOpen = open
    for range in ranges {
      for run in map.runs(in: range) where run.after == .ownPages {
        let change: BitsChange = open ? .grant(.write) : .withdraw(.write)
        try tables.edit(run.range, normal: change, integrity: change, owing: &debt)
      }
    }
  }

  private mutating func express(_ run: TraceMap.Run, owing debt: inout InvalidationDebt) throws(TableError) {
    try tables.edit(
      run.range, normal: .from(bits(of: run.before, in: .normal), to: bits(of: run.after, in: .normal)),
      integrity: .from(bits(of: run.before, in: .integrity), to: bits(of: run.after, in: .integrity)),
      small: noticing == .modificationLog, owing: &debt)
  }

  /// What leaves say of pages that these clients trace; of sub-page permissions the service knows nothing.
  private func bits(of clients: ClientSet, in set: TableSet) -> LeafBits {
    var bits = tables.unwatched
    let tracing = set == .integrity || ownPagesOpen ? clients.subtracting(.ownPages) : clients
    switch noticing {
    case .violationExit, .subPagePermissions:
      if !tracing.isEmpty { bits.remove(.write) }
    case .virtualizationException:
      if !tracing.isEmpty { bits.remove(.write) }
      // Only writes that are guest integrity's alone to judge are handed to the driver's handler.
      if clients == .protection { bits.remove(.suppressVE) }
    case .modificationLog:
      if !tracing.isDisjoint(with: .guestIntegrity) { bits.remove(.dirty) }
      if !tracing.subtracting(.guestIntegrity).isEmpty { bits.remove(.write) }
    }
    return bits
  }
}
