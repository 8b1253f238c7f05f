import Addresses
import EPTTables

/// The write-trace unit: withdraws the write rights of traced pages, in the sets their clients ask for, and gives them
/// back when the last client has dropped its trace.
struct TracingService {
  private(set) var map: TraceMap
  var tables: TableSets
  /// The bits of a leaf whose page is traced.
  private let traced: @Sendable (TracedPage) -> LeafBits
  /// Whether traced pages have leaves of 4 KiB in any case.
  private let needsSmallLeaves: Bool
  /// With one table set: whether the driver's own pages may be written at the moment.
  private(set) var ownPagesOpen = false
  /// How often a mode has asked for that.
  private(set) var ownPageSwitches: UInt64 = 0

  init(tables: TableSets, needsSmallLeaves: Bool, bits traced: @escaping @Sendable (TracedPage) -> LeafBits) {
    self.tables = tables
    self.needsSmallLeaves = needsSmallLeaves
    self.traced = traced
    map = TraceMap(pages: Int(tables.pageCount))
  }

  /// The clients that trace a page; none outside guest memory.
  func clients(of page: GuestPageNumber) -> ClientSet {
    page.rawValue < UInt64(map.pageCount) ? map.clients(of: Int(page.rawValue)) : []
  }

  /// The clients that trace any page of a range of guest memory.
  func clients(in range: PageRange) -> ClientSet {
    map.runs(in: range).reduce(into: []) { $0.formUnion($1.after) }
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
    ownPageSwitches += 1
    guard open != ownPagesOpen else { return }
    ownPagesOpen = open
    for range in ranges {
      for run in map.runs(in: range) where run.after == .ownPages {
        let (watched, own) = (bits(of: run.after, writable: false), bits(of: run.after, writable: true))
        let change: BitsChange = open ? .from(watched, to: own) : .from(own, to: watched)
        try tables.edit(run.range, normal: change, integrity: change, owing: &debt)
      }
    }
  }

  private mutating func express(_ run: TraceMap.Run, owing debt: inout InvalidationDebt) throws(TableError) {
    try tables.edit(
      run.range, normal: .from(bits(of: run.before, in: .normal), to: bits(of: run.after, in: .normal)),
      integrity: .from(bits(of: run.before, in: .integrity), to: bits(of: run.after, in: .integrity)),
      small: needsSmallLeaves, owing: &debt)
  }

  /// What leaves say of pages that these clients trace; of sub-page permissions the service knows nothing.
  private func bits(of clients: ClientSet, in set: TableSet) -> LeafBits {
    bits(of: clients, writable: set == .integrity || ownPagesOpen)
  }

  /// The same where the driver may write its own pages, or where it may not.
  private func bits(of clients: ClientSet, writable: Bool) -> LeafBits {
    guard !clients.isEmpty else { return tables.unwatched }
    return traced(TracedPage(clients: clients, watching: writable ? clients.subtracting(.ownPages) : clients))
  }

  /// Whether a store to a page is to be logged by the processor.
  func isLogged(_ page: GuestPageNumber) -> Bool {
    let clients = clients(of: page)
    return !clients.isEmpty && !bits(of: clients, writable: false).contains(.dirty)
  }
}
