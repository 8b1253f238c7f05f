/// Where in its caches a vCPU finds the lines that its hypervisor works with: those of the exit handler with the VMCS, nodes of
/// the tree, slots of the ring.
///
/// A line is where its reuse distance puts it: what was touched on that vCPU since the line was, guest and hypervisor
/// together, least recently used first (R. L. Mattson et al., "Evaluation techniques for storage hierarchies", 1970). What the
/// guest touched is known within bounds only, so distances, and what follows, are a bracket: ``Touched``.
struct HypervisorLines {
  /// What the guest touched on a vCPU between two exits.
  struct Touched {
    /// Distinct pages stored to: so many lines at least.
    var pages: Double
    /// Instructions: a line each at most, whatever of loads and fetches the recording does not hold.
    var instructions: Double

    /// Lines at each corner; the value is the geometric mean of the bounds (assumed).
    var lines: AtCorners {
      let most = max(pages, instructions)
      return AtCorners(pages, (pages * most).squareRoot(), most)
    }
  }

  private let costs: LineCosts
  /// Lines touched so far, by corner.
  private var now = AtCorners()
  private var handler = AtCorners(repeating: -.infinity)
  private var stamps: [UInt64: AtCorners] = [:]

  init(_ costs: LineCosts) { self.costs = costs }

  /// The guest has been on the vCPU.
  mutating func passed(_ touched: Touched) { now += touched.lines }

  /// The handler runs: cycles beyond one that finds its lines in the first level.
  mutating func runHandler() -> AtCorners {
    // Each of its lines was last used before the others that it works with.
    let cold = costs.penalty(at: now - handler + costs.handlerLines - 1) * costs.handlerLines
    now += costs.handlerLines
    handler = now
    return cold
  }

  /// A line is touched, and found in this level at best: cycles beyond a hit of the first level.
  mutating func touch(_ line: UInt64, noNearerThan level: Int = 0) -> AtCorners {
    let before = now
    now += 1
    let last = stamps.updateValue(now, forKey: line) ?? AtCorners(repeating: -.infinity)
    return costs.penalty(at: before - last, noNearerThan: level)
  }
}

/// What a line costs by where it is found, and where it is found by its reuse distance.
struct LineCosts {
  /// Lines of the first-level data cache, the second-level cache and the last-level cache.
  private let sizes: [Double]
  /// Cycles beyond a hit of the first level, of each level and of memory.
  private let penalties: [AtCorners]
  let handlerLines: AtCorners
  /// What ``penalty(at:noNearerThan:)`` calls the last-level cache.
  static let lastLevel = 2

  init(sizes: [Double], latencies: [AtCorners], handlerLines: AtCorners) {
    self.sizes = sizes
    penalties = latencies.map { ($0 - latencies[0]).clamped(lowerBound: .zero, upperBound: AtCorners(repeating: 1e9)) }
    self.handlerLines = handlerLines
  }

  func penalty(at distance: AtCorners, noNearerThan nearest: Int = 0) -> AtCorners {
    var cycles = AtCorners()
    for corner in 0..<3 {
      var level = nearest
      while level < sizes.count, distance[corner] >= sizes[level] { level += 1 }
      cycles[corner] = penalties[level][corner]
    }
    return cycles
  }
}
