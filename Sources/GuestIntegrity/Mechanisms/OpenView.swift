import Addresses
import EPT

/// The hierarchy that is in force while a vCPU completes one noticed store itself: everything may be written.
struct OpenView {
  private var tables: TableSets
  /// The guest can put the view in force itself, so that only GI code may be executed.
  private let isReachable: Bool

  init(
    memory: FlatMemory, pageCount: UInt64, pool: TablePool, unwatched: LeafBits, isReachable: Bool
  ) throws(TableError) {
    self.isReachable = isReachable
    tables = try TableSets(
      memory: memory, pageCount: pageCount, pool: pool,
      unwatched: isReachable ? unwatched.subtracting(.execute) : unwatched, twoSets: false, stripsExecution: false)
  }

  var pointer: EPTPointer { tables.pointer(of: .normal) }

  /// Lets GI code be executed, or not any more.
  mutating func setExecution(of code: PageRange, _ allowed: Bool) throws(TableError) -> InvalidationDebt {
    guard isReachable else { return .none }
    let change: BitsChange = allowed ? .grant(.execute) : .withdraw(.execute)
    return try tables.edit(code, normal: change, integrity: change).ofOpenView
  }

  mutating func unmap(_ page: GuestPageNumber) throws(TableError) -> InvalidationDebt {
    try tables.unmap(page).ofOpenView
  }

  mutating func map(_ page: GuestPageNumber, to frame: HostPhysicalAddress) throws(TableError) -> InvalidationDebt {
    try tables.map(page, to: frame).ofOpenView
  }
}
