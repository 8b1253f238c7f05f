import Foundation
import Replay

/// Where figures lie on an axis, in per cent of its length.
struct Axis {
  /// Whether it goes by powers of ten.
  let isLogarithmic: Bool
  private let start: Double
  private let end: Double

  /// An axis for these values and their brackets: by powers of ten where all are positive and lie further apart than 30 to 1,
  /// else from zero.
  init(_ brackets: [Bracket]) {
    let greatest = brackets.map(\.high).filter(\.isFinite).max() ?? 0
    let least = brackets.map(\.low).min() ?? 0
    isLogarithmic = least > 0 && greatest > 30 * least
    start = isLogarithmic ? floor(log10(least)) : 0
    end = isLogarithmic ? max(start + 1, ceil(log10(greatest))) : Self.step(for: greatest) * 5
  }

  /// An axis by powers of ten that holds all of these values that are positive; at least one power long.
  init(logarithmic values: [Double]) {
    isLogarithmic = true
    let positive = values.filter { $0 > 0 && $0.isFinite }
    start = floor(log10(positive.min() ?? 1))
    end = max(start + 1, ceil(log10(positive.max() ?? 1)))
  }

  /// An axis from zero to here.
  init(to end: Double) {
    (isLogarithmic, start) = (false, 0)
    self.end = end > 0 && end.isFinite ? end : 1
  }

  /// Where a value lies, in per cent; at an end where it lies beyond.
  func share(_ value: Double) -> Double {
    let at = isLogarithmic ? log10(max(value, .leastNormalMagnitude)) : value
    guard at.isFinite else { return value > 0 ? 100 : 0 }
    return min(max((at - start) / (end - start), 0), 1) * 100
  }

  /// At most seven places with their words.
  var ticks: [Tick] {
    if isLogarithmic {
      let stride = max(1, Int(((end - start) / 6).rounded(.up)))
      return Swift.stride(from: Int(start), through: Int(end), by: stride).map { power in
        Tick(share: share(pow(10, Double(power))), words: Self.words(pow(10, Double(power))))
      }
    }
    return (0...5).map { Tick(share: Double($0) * 20, words: Self.words(end / 5 * Double($0))) }
  }

  /// A figure without the noughts that say how exact it is: `10 k`.
  private static func words(_ value: Double) -> String {
    Figure.number(value).replacing(/(\.\d*?)0+(?=\D|$)/) { match in match.1 == "." ? "" : String(match.1) }
  }

  /// A place on the axis with its words.
  struct Tick {
    var share: Double
    var words: String
  }

  /// The least step of one digit, or of 1.5 or 2.5, times a power of ten whose fivefold holds the greatest value.
  private static func step(for greatest: Double) -> Double {
    guard greatest > 0, greatest.isFinite else { return 1 }
    let power = pow(10, floor(log10(greatest / 5)))
    return [1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10].map { $0 * power }.first { $0 * 5 >= greatest } ?? greatest / 5
  }
}
