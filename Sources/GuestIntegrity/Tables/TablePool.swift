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

  /// One entry less refers to the table; true if it was the last, and the page is free again.
  mutating func release(_ table: HostPhysicalAddress) -> Bool {
    let index = index(of: table)
    references[index] -= 1
    guard references[index] == 0 else { return false }
    free.append(UInt32(index))
    return true
  }

  private func index(of table: HostPhysicalAddress) -> Int { Int((table.rawValue >> 12) - first) }
}
