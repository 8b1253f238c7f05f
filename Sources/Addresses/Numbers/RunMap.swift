/// A value for every number, kept as runs of equal values, in pieces of some hundred runs: a change costs no more for the runs
/// that it does not touch.
@frozen @usableFromInline
package struct RunMap<Value: Equatable> {
  /// A value, from a number on up to where the next run begins.
  @usableFromInline typealias Run = (start: UInt64, value: Value)
  /// Ascending. No piece is empty, and the first begins with 0.
  @usableFromInline var pieces: [[Run]]
  @usableFromInline static var mostRuns: Int { 512 }

  /// The same value for every number.
  @inlinable package init(_ value: Value) { pieces = [[(0, value)]] }

  /// The value for a number.
  @inlinable package subscript(number: UInt64) -> Value {
    let piece = pieces[Self.lastIndex(of: pieces.count, upTo: number) { pieces[$0][0].start }]
    return piece[Self.lastIndex(of: piece.count, upTo: number) { piece[$0].start }].value
  }

  /// Calls `body` with the runs of a range, ascending; neighbours may be alike.
  @inlinable package func forEach(in range: ClosedRange<UInt64>, _ body: (ClosedRange<UInt64>, Value) -> Void) {
    var place = Self.lastIndex(of: pieces.count, upTo: range.lowerBound) { pieces[$0][0].start }
    var index = Self.lastIndex(of: pieces[place].count, upTo: range.lowerBound) { pieces[place][$0].start }
    while place < pieces.count, pieces[place][index].start <= range.upperBound {
      let (start, value) = pieces[place][index]
      body(max(start, range.lowerBound)...min(end(ofRun: index, in: place), range.upperBound), value)
      index += 1
      if index == pieces[place].count { (place, index) = (place + 1, 0) }
    }
  }

  /// Replaces the values of a range, run by run.
  @inlinable package mutating func change(_ range: ClosedRange<UInt64>, _ change: (Value) -> Value) {
    let first = Self.lastIndex(of: pieces.count, upTo: range.lowerBound) { pieces[$0][0].start }
    let last = Self.lastIndex(of: pieces.count, upTo: range.upperBound) { pieces[$0][0].start }
    var runs: [Run] = []
    func append(_ start: UInt64, _ value: Value) {
      if runs.last?.value != value { runs.append((start, value)) }
    }
    for place in first...last {
      for (index, run) in pieces[place].enumerated() {
        let (start, end) = (run.start, end(ofRun: index, in: place))
        if end < range.lowerBound || start > range.upperBound {
          append(start, run.value)
          continue
        }
        if start < range.lowerBound { append(start, run.value) }
        append(max(start, range.lowerBound), change(run.value))
        if end > range.upperBound { append(range.upperBound + 1, run.value) }
      }
    }
    let parts = (runs.count - 1) / Self.mostRuns + 1
    pieces.replaceSubrange(
      first...last,
      with: (0..<parts).map { Array(runs[runs.count * $0 / parts..<runs.count * ($0 + 1) / parts]) })
  }

  /// The last number of a run.
  @inlinable func end(ofRun index: Int, in place: Int) -> UInt64 {
    if index + 1 < pieces[place].count { return pieces[place][index + 1].start - 1 }
    return place + 1 < pieces.count ? pieces[place + 1][0].start - 1 : .max
  }

  /// The last of so many places, in ascending order, whose number is not above another; the first place's is not.
  @inlinable static func lastIndex(of count: Int, upTo number: UInt64, _ start: (Int) -> UInt64) -> Int {
    (1..<count).partitioningIndex { start($0) > number } - 1
  }
}
