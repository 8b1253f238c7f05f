import Addresses
import EPT

/// The host pages that hold EPT paging structures, and how many entries refer to each.
///
/// They lie above guest memory, where neither table set leads.
struct TablePool: Sendable {
  private let first: UInt64
  private var references: [UInt16]
  private var free: [UInt32]

  /// A pool of the host pages `first ..< first + count`.
  init(first: HostPhysicalAddress, count: Int) {
    self.first = first.rawValue >> 12
    references = [UInt16](repeating: 0, count: count)
    free = (0..<UInt32(count)).reversed()
  }

  /// How many pages are left.
  var available: Int { free.count }
  /// How many pages hold tables.
  var used: Int { references.count - free.count }

  /// A page that one entry (or the VMCS) refers to; nil if there is none left. Its content is not cleared.
  mutating func take() -> HostPhysicalAddress? {
    guard let index = free.popLast() else { return nil }
    references[Int(index)] = 1
    return HostPhysicalAddress((first + UInt64(index)) << 12)
  }

  /// One more entry refers to the table.
  mutating func retain(_ table: HostPhysicalAddress) { references[index(of: table)] += 1 }

  /// One entry less refers to the table; after the last one the page is free again.
  mutating func release(_ table: HostPhysicalAddress) {
    let index = index(of: table)
    references[index] -= 1
    if references[index] == 0 { free.append(UInt32(index)) }
  }

  /// How many entries refer to the table; 0 outside the pool.
  func references(to table: HostPhysicalAddress) -> Int {
    let page = table.rawValue >> 12
    return page >= first && page - first < UInt64(references.count) ? Int(references[Int(page - first)]) : 0
  }

  private func index(of table: HostPhysicalAddress) -> Int { Int((table.rawValue >> 12) - first) }
}
