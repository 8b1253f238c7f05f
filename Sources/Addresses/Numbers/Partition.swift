extension RandomAccessCollection {
  /// The first index whose element meets a condition that all elements behind it meet, too; `endIndex` if there is none.
  @inlinable
  package func partitioningIndex(where meets: (Element) -> Bool) -> Index {
    var (low, count) = (startIndex, count)
    while count > 0 {
      let middle = index(low, offsetBy: count / 2)
      if meets(self[middle]) {
        count /= 2
      } else {
        low = index(after: middle)
        count -= count / 2 + 1
      }
    }
    return low
  }
}
