/// Which of many ranges hold a number: found by halving, however they overlap, and however many there are.
///
/// Sorted by start; above them stands, for each half, quarter and so on, the greatest end in it, so that a part in which nothing
/// reaches the number is left out whole.
package struct IntervalIndex: Sendable {
  private let ranges: [(range: ClosedRange<UInt64>, owner: Int)]
  /// A complete binary tree over the ranges, the root at 1: one past the greatest end below each node; 0 where nothing is.
  private var ends: [UInt64]
  private let leaves: Int

  /// An index of ranges and who owns each.
  package init(_ owned: [(range: ClosedRange<UInt64>, owner: Int)]) {
    ranges = owned.sorted { ($0.range.lowerBound, $0.owner) < ($1.range.lowerBound, $1.owner) }
    var leaves = 1
    while leaves < ranges.count { leaves *= 2 }
    ends = [UInt64](repeating: 0, count: 2 * leaves)
    for (index, range) in ranges.enumerated() {
      let end = range.range.upperBound
      ends[leaves + index] = end == .max ? .max : end + 1
    }
    for node in (1..<leaves).reversed() { ends[node] = max(ends[2 * node], ends[2 * node + 1]) }
    self.leaves = leaves
  }

  /// Whether no range is left.
  package var isEmpty: Bool { ends[1] == 0 }

  /// The owners of the first ranges, by start, that hold one of these numbers.
  package func owners(touching numbers: ClosedRange<UInt64>, atMost most: Int = .max) -> [Int] {
    indices(touching: numbers, atMost: most).map { ranges[$0].owner }
  }

  /// The owner of the last range, by start, that holds a number; nil if none does.
  package func lastOwner(of number: UInt64) -> Int? {
    last(holding: number, below: 1, 0, leaves).map { ranges[$0].owner }
  }

  private func last(holding number: UInt64, below node: Int, _ first: Int, _ count: Int) -> Int? {
    guard first < ranges.count, ranges[first].range.lowerBound <= number, ends[node] > number else { return nil }
    if count == 1 { return first }
    return last(holding: number, below: 2 * node + 1, first + count / 2, count / 2)
      ?? last(holding: number, below: 2 * node, first, count / 2)
  }

  /// Takes every range out that holds one of these numbers; who owned them.
  package mutating func takeOwners(touching numbers: ClosedRange<UInt64>) -> [Int] {
    let taken = indices(touching: numbers, atMost: .max)
    for index in taken {
      var node = leaves + index
      ends[node] = 0
      while node > 1 {
        node /= 2
        ends[node] = max(ends[2 * node], ends[2 * node + 1])
      }
    }
    return taken.map { ranges[$0].owner }
  }

  private func indices(touching numbers: ClosedRange<UInt64>, atMost most: Int) -> [Int] {
    var found: [Int] = []
    var waiting: [(node: Int, first: Int, count: Int)] = [(1, 0, leaves)]
    while found.count < most, let (node, first, count) = waiting.popLast() {
      guard first < ranges.count, ranges[first].range.lowerBound <= numbers.upperBound, ends[node] > numbers.lowerBound
      else { continue }
      if count == 1 {
        found.append(first)
      } else {
        waiting.append((2 * node + 1, first + count / 2, count / 2))
        waiting.append((2 * node, first, count / 2))
      }
    }
    return found
  }
}
