/// What a strategy costs while something is protected, set-up apart.
public struct ArmedCost: Codable, Equatable, Sendable {
  /// Instructions that the guest retired from the first protection on, all vCPUs.
  public var instructions: UInt64
  /// Running cost in cycles for each thousand of them.
  public var per1000: Double
  /// Running cost in per cent of the time that they take, by cycles an instruction.
  public var percent: Percent

  /// Per cent of the guest's time, which depends on how many cycles its instructions take.
  public struct Percent: Codable, Equatable, Sendable {
    /// At half a cycle an instruction.
    public var half: Double
    /// At one.
    public var one: Double
    /// At two.
    public var two: Double

    enum CodingKeys: String, CodingKey {
      case half = "cpi_0_5"
      case one = "cpi_1"
      case two = "cpi_2"
    }
  }

  enum CodingKeys: String, CodingKey {
    case instructions, percent
    case per1000 = "per_1000"
  }

  /// A running cost over so many instructions; nil where there are none.
  init?(_ running: Double, over instructions: UInt64) {
    guard instructions > 0 else { return nil }
    self.instructions = instructions
    per1000 = running * 1000 / Double(instructions)
    func percent(_ cyclesEach: Double) -> Double { running * 100 / (Double(instructions) * cyclesEach) }
    self.percent = Percent(half: percent(0.5), one: percent(1), two: percent(2))
  }
}
