import Addresses
import EPT

/// Why a change of the table sets was refused; they are as they were before.
package enum TableError: Error, Hashable {
  /// The pool of host pages for tables is used up.
  case outOfTablePages
}

/// A run of host pages that are handed out one by one: for EPT paging structures, with how many entries refer to each, for
/// what VMCS fields point to, and for guest pages that are moved.
package struct FramePool: Sendable {
  private let first: UInt64
  private let count: Int
  /// Of every page that was ever taken: the pool may be far larger than what is used of it.
  private var references: [UInt16] = []
  /// Pages given back.
  private var free: [UInt32] = []

  /// A pool of the host pages `first ..< first + count`, 2^32 of them at most.
  package init(first: HostPhysicalAddress, count: Int) {
    self.count = max(0, min(count, Int(UInt32.max)))
    self.first = first.rawValue >> 12
  }

  /// How many pages are left.
  package var available: Int { count - used }
  /// How many pages are taken.
  package var used: Int { references.count - free.count }

  /// A page that one entry (or field, or guest page) refers to; nil if there is none left. Its content is not cleared.
  package mutating func take() -> HostPhysicalAddress? {
    if let index = free.popLast() {
      references[Int(index)] = 1
      return HostPhysicalAddress((first + UInt64(index)) << 12)
    }
    guard references.count < count else { return nil }
    references.append(1)
    return HostPhysicalAddress((first + UInt64(references.count - 1)) << 12)
  }

  /// The same, with zeros in it.
  package mutating func takeZeroed(in memory: FlatMemory) throws(TableError) -> HostPhysicalAddress {
    guard let page = take() else { throw .outOfTablePages }
    memory.fill(page, with: 0)
    return page
  }

  /// One more entry refers to the page.
  mutating func retain(_ page: HostPhysicalAddress) { references[index(of: page)] += 1 }

  /// One entry less refers to the page; after the last one it is free again.
  package mutating func release(_ page: HostPhysicalAddress) {
    let index = index(of: page)
    references[index] -= 1
    if references[index] == 0 { free.append(UInt32(index)) }
  }

  /// Whether the page is one of the pool's.
  package func contains(_ page: HostPhysicalAddress) -> Bool {
    page.rawValue >> 12 >= first && page.rawValue >> 12 - first < UInt64(count)
  }

  /// How many entries refer to the page; 0 outside the pool.
  package func references(to page: HostPhysicalAddress) -> Int {
    contains(page) && index(of: page) < references.count ? Int(references[index(of: page)]) : 0
  }

  private func index(of page: HostPhysicalAddress) -> Int { Int(page.rawValue >> 12 - first) }
}
