import Addresses
import EPT
import EPTTables

/// The hierarchy that is in force while a vCPU completes one noticed store itself: everything may be written.
struct OpenView {
  private var tables: TableSets
  /// The guest can put the view in force itself, so that only GI code may be executed.
  private let isReachable: Bool

  init(
    memory: FlatMemory, pageCount: UInt64, pool: FramePool, unwatched: LeafBits, isReachable: Bool
  ) throws(TableError) {
    self.isReachable = isReachable
    tables = try TableSets(
      memory: memory, pageCount: pageCount, pool: pool,
      unwatched: isReachable ? unwatched.subtracting(.execute) : unwatched, number: TableSet.open.rawValue,
      twoSets: false, stripsExecution: false)
  }

  var pointer: EPTPointer { tables.pointers.normal }

  /// Lets GI code be executed, or not any more.
  mutating func setExecution(
    of code: PageRange, _ allowed: Bool, owing debt: inout InvalidationDebt
  ) throws(TableError) {
    guard isReachable else { return }
    let change: BitsChange = allowed ? .grant(.execute) : .withdraw(.execute)
    try tables.edit(code, normal: change, integrity: change, owing: &debt)
  }

  mutating func unmap(_ page: GuestPageNumber, owing debt: inout InvalidationDebt) throws(TableError) {
    try tables.unmap(page, owing: &debt)
  }

  mutating func map(
    _ page: GuestPageNumber, to frame: HostPhysicalAddress, owing debt: inout InvalidationDebt
  ) throws(TableError) {
    try tables.map(page, to: frame, owing: &debt)
  }
}
