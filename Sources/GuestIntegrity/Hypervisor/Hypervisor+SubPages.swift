import Addresses
import EPTTables
import MonitorTree

extension Hypervisor {
  /// Makes sub-page permissions of pages say which of their bytes the regions that claim them protect.
  func refreshSubPages(_ range: PageRange, on vcpu: Int) throws(HypercallError) {
    guard configuration.mechanism.noticing.features.contains(.subPagePermissions) else { return }
    do throws(TableError) {
      try settling(from: vcpu) { (debt: inout InvalidationDebt) throws(TableError) in
        for page in partlyListed.pages(in: range) { try refreshSubPages(of: page, owing: &debt) }
      }
    } catch { throw .outOfTablePages }
  }

  private func refreshSubPages(of page: GuestPageNumber, owing debt: inout InvalidationDebt) throws(TableError) {
    let vector = monitor.tracing.clients(of: page) == .protection ? writableSubPages(of: page) : 0
    guard vector != fields.subPages.vector(of: page) else { return }
    if try fields.setWritableSubPages(vector, of: page) { debt.owe(monitor.tracing.tables.hierarchies) }
    let change: BitsChange = vector == 0 ? .withdraw(.subPageWrite) : .grant(.subPageWrite)
    try monitor.tracing.tables.edit(PageRange(page: page), normal: change, integrity: change, owing: &debt)
  }

  /// Whether the processor asks sub-page permissions about a store to a page.
  public func hasSubPagePermissions(_ page: GuestPageNumber) -> Bool { fields.subPages.vector(of: page) != 0 }

  /// The sub-pages of a claimed page that hold no byte any of its regions protects; none if a region lists no byte there.
  private func writableSubPages(of page: GuestPageNumber) -> UInt64 {
    var vector: UInt64 = 0x5555_5555_5555_5555
    let isWhole = monitor.tree.forEachClaim(on: page) { claim in
      let bytes = page.address.rawValue..<page.address.rawValue + 0x1000
      let listed = partlyListed.bytes[claim.region, default: []]
      let behind = listed[listed.firstIndex(endingBehind: bytes.lowerBound)...]
      let ranges = behind.prefix { $0.lowerBound < bytes.upperBound }
      guard !ranges.isEmpty else {
        vector = 0
        return
      }
      for range in ranges {
        for subPage in 0..<32 {
          let start = page.address.rawValue + UInt64(subPage) * 128
          if range.lowerBound < start + 128, range.upperBound > start { vector &= ~SubPageTable.allows(subPage) }
        }
      }
    }
    return isWhole ? vector : 0
  }
}

/// The bytes that regions protect, and the pages of which they protect a part: no other page has sub-pages to tell apart.
struct PartlyListedPages {
  /// Disjoint and ascending.
  let bytes: [RegionID: [Range<UInt64>]]
  /// Ascending.
  private let pages: [UInt64]

  init(_ regions: [RegionID: [Range<UInt64>]]) {
    bytes = regions.mapValues { $0.filter { !$0.isEmpty }.joined }
    pages = Set(bytes.values.joined().flatMap { [$0.lowerBound >> 12, ($0.upperBound - 1) >> 12] }).sorted()
  }

  /// Those of them in a range, ascending.
  func pages(in range: PageRange) -> some Sequence<GuestPageNumber> {
    let start = pages.partitioningIndex { $0 >= range.first.rawValue }
    return pages[start...].prefix { $0 <= range.last.rawValue }.lazy.map { GuestPageNumber($0) }
  }
}
