import Foundation
import Replay

/// Figures as people read them: three significant digits, decimal prefixes, the same in every locale.
///
/// Exact figures stand in the JSON and CSV exports.
package enum Figure {
  /// A count: exact below ten thousand, prefixed from there on.
  package static func count(_ n: UInt64) -> String { n < 10_000 ? String(n) : number(Double(n)) }

  /// A number with a decimal prefix where it is long: `0.42`, `1529`, `17.8 k`, `4.21 G`.
  package static func number(_ x: Double) -> String {
    guard x.isFinite else { return "-" }
    let magnitude = abs(x)
    if magnitude < 9999.5 {
      return magnitude == magnitude.rounded() || magnitude >= 1000 ? fixed(x, 0) : significant(x)
    }
    var scaled = x
    for prefix in ["k", "M", "G", "T", "P", "E"] {
      scaled /= 1000
      if abs(scaled) < 999.5 { return "\(significant(scaled)) \(prefix)" }
    }
    return scientific(x)
  }

  /// Every digit the figure has, and no more.
  package static func exact(_ x: Double) -> String {
    x == x.rounded() && abs(x) < 1e15 ? String(Int64(x)) : String(x)
  }

  /// The range of a bracket, or `exact` where it has no width.
  package static func range(_ bracket: Bracket) -> String {
    bracket.low == bracket.high ? "exact" : "\(number(bracket.low)) to \(number(bracket.high))"
  }

  /// A ratio with two decimals, or enough digits to tell it from 1.
  package static func ratio(_ x: Double) -> String {
    guard x.isFinite else { return "-" }
    if x == 1 { return "1" }
    for decimals in 2...6 where fixed(x, decimals) != fixed(1, decimals) { return fixed(x, decimals) }
    return x > 1 ? ">1" : "<1"
  }

  /// A place in a picture, to a tenth: `12`, `12.5`.
  static func coordinate(_ x: Double) -> String {
    let text = fixed(x, 1)
    return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
  }

  private static func significant(_ x: Double) -> String {
    let magnitude = abs(x)
    if magnitude == 0 { return "0" }
    if magnitude < 0.001 { return scientific(x) }
    return fixed(x, magnitude < 0.9995 ? 3 : magnitude < 9.995 ? 2 : magnitude < 99.95 ? 1 : 0)
  }

  /// A half is rounded away from zero, as exports round it: a format's own way takes it to the even neighbour.
  private static func fixed(_ x: Double, _ decimals: Int) -> String {
    String(format: "%.\(decimals)f", decimals == 0 ? x.rounded() : x)
  }

  private static func scientific(_ x: Double) -> String { String(format: "%.2e", x) }
}
