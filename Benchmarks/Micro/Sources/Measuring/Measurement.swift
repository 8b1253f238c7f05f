import Glibc

/// Nanoseconds on a clock that only goes forward.
public func nanoseconds() -> Double {
  var time = timespec()
  clock_gettime(CLOCK_MONOTONIC, &time)
  return Double(time.tv_sec) * 1e9 + Double(time.tv_nsec)
}

/// Nanoseconds that this thread has run on a processor: what a measurement of one thread takes where others run too.
public func processorNanoseconds() -> Double {
  var time = timespec()
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
  return Double(time.tv_sec) * 1e9 + Double(time.tv_nsec)
}

/// The middle of some values and the 95 % interval of it by order statistics (binomial, normal approximation).
public struct Median: Sendable {
  /// The middle value.
  public let value: Double
  /// The lower end of the interval.
  public let low: Double
  /// The upper end of the interval.
  public let high: Double

  /// The median of these values.
  public init(_ values: [Double]) {
    let sorted = values.sorted()
    let n = Double(sorted.count)
    let reach = 0.98 * n.squareRoot()
    func at(_ rank: Double) -> Double { sorted[min(max(Int(rank), 0), sorted.count - 1)] }
    value = at((n - 1) / 2)
    low = at((n - 1) / 2 - reach)
    high = at((n - 1) / 2 + reach)
  }
}

/// Two pieces of work measured in turn, so that whatever else the machine does meets both.
public struct Comparison: Sendable {
  /// Nanoseconds an operation of ours.
  public let ours: Median
  /// Nanoseconds an operation of the reference.
  public let reference: Median
  /// Ours over the reference's, round by round.
  public let ratio: Median
  /// Ours less the reference's, round by round.
  public let difference: Median

  /// Runs both `rounds` times in turn, `operations` operations each time, and requires that they return the same sum.
  public init(rounds: Int = 101, operations: Int, ours: () -> UInt64, reference: () -> UInt64) {
    var mine: [Double] = []
    var theirs: [Double] = []
    for round in 0..<rounds + 2 {
      let start = nanoseconds()
      let expected = reference()
      let middle = nanoseconds()
      let sum = ours()
      let end = nanoseconds()
      precondition(sum == expected, "the reference sums to \(expected), ours to \(sum)")
      // The first rounds warm caches and predictors.
      guard round >= 2 else { continue }
      theirs.append((middle - start) / Double(operations))
      mine.append((end - middle) / Double(operations))
    }
    self.ours = Median(mine)
    self.reference = Median(theirs)
    ratio = Median(zip(mine, theirs).map { $0 / $1 })
    difference = Median(zip(mine, theirs).map { $0 - $1 })
  }
}

extension Double {
  /// Decimal digits without an exponent.
  public func fixed(_ digits: Int) -> String {
    var scale = 1.0
    for _ in 0..<digits { scale *= 10 }
    let scaled = (magnitude * scale).rounded()
    let whole = UInt64(scaled / scale)
    let fraction = String(UInt64(scaled) - whole * UInt64(scale))
    let padding = String(repeating: "0", count: max(0, digits - fraction.count))
    return (self < 0 && scaled > 0 ? "-" : "") + "\(whole)" + (digits > 0 ? "." + padding + fraction : "")
  }
}

extension Median {
  /// The value and its interval.
  public func text(_ digits: Int = 2) -> String {
    "\(value.fixed(digits)) [\(low.fixed(digits)), \(high.fixed(digits))]"
  }
}
