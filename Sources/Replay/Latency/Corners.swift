/// A figure at the three named corners: low, value and high.
///
/// Queues and rates are not linear in costs, so nothing follows from the ends of brackets one by one: they run three times.
/// At `low` every cost is its least, caches are as hot as they can be, and the guest is at its slowest, so that alerts come
/// as far apart as they can; at `high` it is the other way round.
typealias AtCorners = SIMD3<Double>

extension Bracket {
  /// The three ends as corners.
  var corners: AtCorners { AtCorners(low, value, high) }

  /// What the corners enclose: a queue may be longest at a corner in the middle.
  init(enclosing corners: AtCorners) {
    self.init(low: corners.min(), value: corners[1], high: corners.max())
  }
}

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
