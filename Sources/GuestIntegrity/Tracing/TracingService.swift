import Addresses

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
    page.rawValue < UInt64(map.pageCount) ? map.clients[Int(page.rawValue)] : []
  }

  /// A new client, whose traces are counted; nil after six.
  mutating func addClient() -> TraceClient? { map.addClient() }

  /// Changes traces of pages of guest memory, and the rights of those pages that are traced now and were not, or the
  /// other way.
  ///
  /// - Throws: nothing has been changed then.
  mutating func apply(_ change: TraceMap.Change, to range: PageRange) throws(TableError) -> InvalidationDebt {
    let saved = map
    let runs = map.apply(change, to: range)
    var debt = InvalidationDebt.none
    for (done, run) in runs.enumerated() {
      do throws(TableError) {
        debt += try express(run)
      } catch {
        // What has been split stays split; rights go back.
        for run in runs[..<done] { _ = try? express(run.reversed) }
        map = saved
        throw error
      }
    }
    return debt
  }

  /// Takes over the traces of a machine that was saved; so far nothing has been traced here.
  mutating func adopt(_ saved: TraceMap) throws(TableError) -> InvalidationDebt {
    var debt = InvalidationDebt.none
    guard let all = PageRange(first: GuestPageNumber(0), count: UInt64(saved.pageCount)) else { return debt }
    for var run in saved.runs(in: all) where !run.after.isEmpty {
      run.before = []
      debt += try express(run)
    }
    map = saved
    return debt
  }

  /// Lets the driver's own pages be written, or not, in the only table set there is.
  mutating func setOwnPages(open: Bool, in ranges: [PageRange]) throws(TableError) -> InvalidationDebt {
    var debt = InvalidationDebt.none
    guard open != ownPagesOpen else { return debt }
    ownPagesOpen = open
    for range in ranges {
      for run in map.runs(in: range) where run.after == .ownPages {
        let change: BitsChange = open ? .grant(.write) : .withdraw(.write)
        debt += try tables.edit(run.range, normal: change, integrity: change)
      }
    }
    return debt
  }

  private mutating func express(_ run: TraceMap.Run) throws(TableError) -> InvalidationDebt {
    try tables.edit(
      run.range, normal: .from(bits(of: run.before, in: .normal), to: bits(of: run.after, in: .normal)),
      integrity: .from(bits(of: run.before, in: .integrity), to: bits(of: run.after, in: .integrity)),
      small: noticing == .modificationLog)
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
