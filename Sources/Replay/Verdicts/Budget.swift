/// Which regions each strategy can protect within an overhead.
public struct Budget: Codable, Equatable, Sendable {
  /// The overhead allowed, in per cent of the armed guest's time.
  public var percent: Double
  /// Cycles that an instruction of the guest takes.
  public var cyclesPerInstruction: Bracket
  /// An answer a strategy.
  public var answers: [Answer]

  /// What one strategy can do.
  public struct Answer: Codable, Equatable, Sendable {
    /// Its name.
    public var strategy: String
    /// What it promises.
    public var contract: Contract
    /// What it costs with no region protected: windows, switches, the driver's own pages; in per cent.
    public var alone: Bracket
    /// The regions that fit, cheapest first.
    public var protects: [Share]
    /// The regions that do not, cheapest first.
    public var leavesOut: [Share]
    /// What it costs with the regions that fit, in per cent.
    public var total: Bracket
    /// `robust` where the answer is the same for every value inside the brackets, in every structure of the world.
    public var verdict: PairVerdict.Verdict
    /// The share of the box of all brackets in which what is said to fit does.
    public var fits: Double
    /// The share in which the cheapest region left out would fit as well; absent where none is left out.
    public var oneMoreFits: Double?

    enum CodingKeys: String, CodingKey {
      case strategy, contract, alone, protects, total, verdict, fits
      case leavesOut = "leaves_out"
      case oneMoreFits = "one_more_fits"
    }
  }

  /// What a region adds.
  public struct Share: Codable, Equatable, Sendable {
    /// Its name.
    public var name: String
    /// In per cent.
    public var percent: Bracket
  }

  enum CodingKeys: String, CodingKey {
    case percent, answers
    case cyclesPerInstruction = "cpi"
  }
}

/// What a budget is asked of.
struct BudgetQuestion {
  /// The overhead allowed, in per cent.
  let percent: Double
  let cyclesPerInstruction: Bracket
  let armedInstructions: UInt64
  let box: Box

  /// What a strategy can protect whose running cost is `running`, of which `regions` are a part.
  func answer(for strategy: Strategy, running: StrategyPrice, regions: [RegionPrice]) -> Budget.Answer {
    let sorted = regions.sorted { (headline($0.price), $0.name) < (headline($1.price), $1.name) }
    var total = regions.reduce(running) { $0 - $1.price }
    let alone = total
    var protects: [RegionPrice] = []
    var leavesOut = sorted[...]
    while let next = leavesOut.first, headline(total + next.price) <= percent, headline(alone) <= percent {
      total = total + next.price
      protects.append(leavesOut.removeFirst())
    }
    let more = leavesOut.first.map { total + $0.price }
    let range = bracket(total)
    let isRobust = range.high <= percent && (more.map { bracket($0).low > percent } ?? true)
    // With nothing that fits, the answer is that the strategy alone is too dear.
    let isRobustlyTooDear = protects.isEmpty && bracket(more ?? total).low > percent
    return Budget.Answer(
      strategy: strategy.name, contract: strategy.promise, alone: bracket(alone), protects: protects.map(share),
      leavesOut: leavesOut.map(share), total: range,
      verdict: isRobust || isRobustlyTooDear ? .robust : .undecided, fits: share(within: total),
      oneMoreFits: more.map { share(within: $0) })
  }

  private func share(_ region: RegionPrice) -> Budget.Share {
    Budget.Share(name: region.name, percent: bracket(region.price))
  }

  /// Per cent at the profile's values.
  private func headline(_ price: StrategyPrice) -> Double {
    let structure = box.structures[0]
    return inPercent(price.form(in: structure).priced(by: structure.profile).value, cyclesPerInstruction.value)
  }

  /// Per cent over all brackets and structures.
  private func bracket(_ price: StrategyPrice) -> Bracket {
    let prices = box.structures.map { price.form(in: $0).priced(by: $0.profile) }
    let (low, high) = (prices.map(\.low).min() ?? 0, prices.map(\.high).max() ?? 0)
    return Bracket(
      low: inPercent(low, low < 0 ? cyclesPerInstruction.low : cyclesPerInstruction.high), value: headline(price),
      high: inPercent(high, high < 0 ? cyclesPerInstruction.high : cyclesPerInstruction.low))
  }

  /// The share of the box in which a price is within the budget.
  private func share(within price: StrategyPrice) -> Double {
    let values = box.values(of: price)
    let (least, most) = (cyclesPerInstruction.low, cyclesPerInstruction.high)
    return box.share { point in
      inPercent(values[point], least + box.beside[point] * (most - least)) <= percent
    }
  }

  private func inPercent(_ cycles: Double, _ cyclesEach: Double) -> Double {
    cycles * 100 / (Double(armedInstructions) * cyclesEach)
  }
}
