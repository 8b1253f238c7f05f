/// One target of performance and how we stand: `P3 0.29 <= 0.30 ok  what was measured`.
struct Verdict {
  let target: String
  let figure: Double
  let limit: Double
  let explanation: String

  var line: String {
    "\(target) \(figure.fixed(2)) <= \(limit.fixed(2)) \(figure <= limit ? "ok" : "short")  \(explanation)"
  }
}

extension Double {
  /// Decimal digits without an exponent.
  func fixed(_ digits: Int) -> String {
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
  func text(_ digits: Int = 2) -> String { "\(value.fixed(digits)) [\(low.fixed(digits)), \(high.fixed(digits))]" }
}
