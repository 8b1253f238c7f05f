import Addresses
import EPT
import EPTTables
import SeededRandom
import Testing

extension SplitMix64 {
  mutating func below(_ bound: UInt64) -> UInt64 { next() % bound }
  /// True once in `n`.
  mutating func oneIn(_ n: UInt64) -> Bool { next() % n == 0 }
  /// One of the elements.
  mutating func pick<T>(_ elements: [T]) -> T { elements[Int(next() % UInt64(elements.count))] }
}

extension PageRange {
  init(_ first: UInt64, count: UInt64) throws {
    self = try #require(PageRange(first: GuestPageNumber(first), count: count))
  }
}

/// Table sets with the memory they lie in.
final class Machine {
  /// Not a whole number of 2 MiB pages.
  static let pages: UInt64 = 5 * 512 + 77

  let memory: HostMemory
  var sets: TableSets

  init(
    twoSets: Bool, strips: Bool, unwatched: LeafBits = .unwatched,
    tables: Int = TableSets.tablesNeeded(pageCount: pages)
  ) throws {
    let count = TableSets.tablesNeeded(pageCount: Self.pages)
    memory = try #require(HostMemory(byteCount: (Self.pages + UInt64(count) + 64) << 12))
    sets = try TableSets(
      memory: memory.memory, pageCount: Self.pages,
      pool: FramePool(first: HostPhysicalAddress(Self.pages << 12), count: tables), unwatched: unwatched,
      twoSets: twoSets, stripsExecution: strips)
  }

  /// Host pages that hold neither guest memory nor tables.
  static func spareFrame(_ random: inout SplitMix64) -> UInt64 {
    pages + UInt64(TableSets.tablesNeeded(pageCount: pages)) + random.below(64)
  }

  /// Edits the sets; what that owes.
  @discardableResult
  func edit<Failure: Error>(
    _ edit: (inout TableSets, inout InvalidationDebt) throws(Failure) -> Void
  ) throws(Failure) -> Hierarchies {
    var owed: Hierarchies = []
    try InvalidationDebt.settling({ all, _ in owed = all }) { (debt: inout InvalidationDebt) throws(Failure) in
      try edit(&sets, &debt)
    }
    return owed
  }

  /// Changes the bits of pages in both sets.
  @discardableResult
  func edit(_ range: PageRange, _ normal: BitsChange, _ integrity: BitsChange? = nil) throws -> Hierarchies {
    try edit { (sets, debt) throws(TableError) in
      try sets.edit(range, normal: normal, integrity: integrity ?? normal, owing: &debt)
    }
  }
}
