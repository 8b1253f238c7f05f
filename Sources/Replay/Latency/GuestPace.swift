/// How fast a guest goes while nobody stops it: cycles an instruction. What no recording tells.
public struct GuestPace: Codable, Equatable, Sendable {
  /// Cycles an instruction: the fastest guest, the usual one, the slowest.
  public var cyclesPerInstruction: Bracket

  /// 0.5, 1 and 2 cycles an instruction.
  public static let assumed = GuestPace(cyclesPerInstruction: Bracket(low: 0.5, value: 1, high: 2))

  /// A pace from its cycles an instruction, which are above 0; nil otherwise.
  public init?(_ cycles: Bracket) {
    let ordered = [cycles.low, cycles.value, cycles.high]
    guard ordered.allSatisfy({ $0 > 0 && $0 <= 1e6 }), ordered == ordered.sorted() else { return nil }
    cyclesPerInstruction = cycles
  }

  private init(cyclesPerInstruction: Bracket) { self.cyclesPerInstruction = cyclesPerInstruction }

  /// The slowest guest makes the least of a queue.
  var corners: AtCorners {
    AtCorners(cyclesPerInstruction.high, cyclesPerInstruction.value, cyclesPerInstruction.low)
  }
}

extension GuestPace {
  /// A pace from one figure, or three from the fastest guest to the slowest, in cycles an instruction.
  package init(_ text: String) throws(LatencyTextError) {
    let figures = text.split(separator: ",", omittingEmptySubsequences: false).map { Double($0) ?? .nan }
    let bracket: Bracket? =
      switch figures.count {
      case 1: Bracket(low: figures[0], value: figures[0], high: figures[0])
      case 3: Bracket(low: figures[0], value: figures[1], high: figures[2])
      default: nil
      }
    guard let bracket, let pace = GuestPace(bracket) else {
      throw LatencyTextError(
        description:
          "--cpi \(text) is no pace, expected cycles an instruction above 0 and at most 1000000; give one figure, "
          + "or three from the least to the greatest, as in 0.5,1,2")
    }
    self = pace
  }
}
