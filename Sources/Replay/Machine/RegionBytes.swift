import WriteTrace

/// The exact byte ranges of what is protected: tells a store to a protected byte from one that only shares its page.
struct RegionBytes {
  /// Disjoint ranges in ascending order.
  private var starts: [UInt64] = []
  private var ends: [UInt64] = []

  init(_ ranges: [(start: UInt64, bytes: UInt64)]) {
    for (start, bytes) in ranges.sorted(by: { $0.start < $1.start }) where bytes > 0 {
      let end = start.addingReportingOverflow(bytes)
      let limit = end.overflow ? UInt64.max : end.partialValue
      if let last = ends.last, start <= last {
        ends[ends.count - 1] = max(last, limit)
      } else {
        starts.append(start)
        ends.append(limit)
      }
    }
  }

  /// Whether any byte of `address ..< address + size` is protected.
  func touches(_ address: UInt64, size: UInt64) -> Bool {
    var low = 0
    var high = starts.count
    while low < high {
      let middle = (low + high) / 2
      if ends[middle] > address { high = middle } else { low = middle + 1 }
    }
    return low < starts.count && starts[low] < address &+ size
  }
}
