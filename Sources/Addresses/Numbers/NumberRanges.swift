extension [Range<UInt64>] {
  /// The same numbers as disjoint ascending ranges that do not touch.
  package var joined: Self {
    sorted { $0.lowerBound < $1.lowerBound }.reduce(into: []) { joined, range in
      if let last = joined.last, range.lowerBound <= last.upperBound {
        joined[joined.count - 1] = last.lowerBound..<Swift.max(last.upperBound, range.upperBound)
      } else {
        joined.append(range)
      }
    }
  }

  /// Of disjoint ascending ranges, the first that ends behind a number.
  package func firstIndex(endingBehind number: UInt64) -> Int {
    partitioningIndex { $0.upperBound > number }
  }

  /// Whether any of disjoint ascending ranges shares a number with another range.
  package func overlaps(_ range: Range<UInt64>) -> Bool {
    let index = firstIndex(endingBehind: range.lowerBound)
    return index < count && self[index].lowerBound < range.upperBound
  }
}
