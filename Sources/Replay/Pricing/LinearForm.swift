/// A price before it is a number: how often each ``CostParameter`` enters it.
public struct LinearForm: Equatable, Sendable {
  private var coefficients = [Double](repeating: 0, count: CostParameter.allCases.count)

  /// The form that costs nothing.
  public init() {}

  /// How often one parameter enters.
  public subscript(_ parameter: CostParameter) -> Double {
    get { coefficients[parameter.index] }
    set { coefficients[parameter.index] = newValue }
  }

  /// Adds `count` times another form.
  public mutating func add(_ other: Self, times count: Double) {
    for i in coefficients.indices { coefficients[i] += other.coefficients[i] * count }
  }

  /// The difference of two forms: what they share cancels, so that a bracket on the difference is as tight as it can be.
  public static func - (a: Self, b: Self) -> Self {
    var difference = a
    difference.add(b, times: -1)
    return difference
  }

  /// Each cost that enters, by its position in ``CostParameter``, and how often.
  var terms: [(cost: Int, times: Double)] {
    coefficients.enumerated().filter { $1 != 0 }.map { (cost: $0, times: $1) }
  }

  /// The price under a profile: the middle value, and the least and greatest over the box of all brackets.
  public func priced(by profile: CycleProfile) -> Bracket { priced(by: profile.parameters) }

  /// The same from the costs alone; a cost that is not given counts nothing.
  public func priced(by costs: [CycleProfile.Parameter]) -> Bracket {
    var low = 0.0
    var value = 0.0
    var high = 0.0
    for cost in costs {
      let coefficient = self[cost.name]
      if coefficient == 0 { continue }
      value += coefficient * cost.value
      low += coefficient * (coefficient > 0 ? cost.low : cost.high)
      high += coefficient * (coefficient > 0 ? cost.high : cost.low)
    }
    return Bracket(low: low, value: value, high: high)
  }
}

extension CostParameter {
  /// The position among all costs.
  var index: Int { Self.positions[self]! }
  private static let positions = Dictionary(uniqueKeysWithValues: allCases.enumerated().map { ($1, $0) })
}
