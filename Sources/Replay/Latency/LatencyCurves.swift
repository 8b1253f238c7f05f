/// The latency of one strategy in more points than results keep: for pictures.
package struct LatencyCurves: Equatable, Sendable {
  /// The strategy.
  package var strategy: String
  /// From the store's issue to the alert in the ring; empty where nothing is raised in time.
  package var raised: [Point]
  /// To the alert in the consumer's hand.
  package var delivered: [Point]
  /// How many were delivered within which range of cycles, by powers of two.
  package var deliveredRanges: [Range]

  /// A percentile.
  package struct Point: Equatable, Sendable {
    /// The share of notifications that take no longer, 1 for the greatest.
    package var share: Double
    /// Their cycles, within the corners.
    package var cycles: Bracket

    /// A percentile.
    package init(share: Double, cycles: Bracket) { (self.share, self.cycles) = (share, cycles) }
  }

  /// How many values lie in a range.
  package struct Range: Equatable, Sendable {
    /// The least value in it.
    package var low: UInt64
    /// The least above it.
    package var high: UInt64
    /// How many.
    package var count: UInt64
  }

  /// The shares that curves go through.
  static let shares = [0, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.995, 0.999, 0.9999, 1]
}

extension CornerHistograms {
  /// The percentiles of a curve that so many values can tell apart.
  var curve: [LatencyCurves.Point] {
    LatencyCurves.shares.compactMap { share in
      guard share == 1 || (1 - share) * Double(count) >= 1, let cycles = bracket(at: share * 100) else { return nil }
      return LatencyCurves.Point(share: share, cycles: cycles)
    }
  }

  /// How many lie in which power of two, at the middle corner: all ranges from the first to the last that hold any.
  var ranges: [LatencyCurves.Range] {
    var counts: [Int: UInt64] = [:]
    for entry in middleValues { counts[64 - entry.value.leadingZeroBitCount, default: 0] += entry.count }
    guard let first = counts.keys.min(), let last = counts.keys.max() else { return [] }
    return (first...last).map { bits in
      LatencyCurves.Range(
        low: bits == 0 ? 0 : 1 << UInt64(bits - 1), high: 1 << UInt64(bits), count: counts[bits, default: 0])
    }
  }
}
