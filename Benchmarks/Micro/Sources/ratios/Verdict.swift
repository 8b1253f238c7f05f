import Measuring

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
