/// Makes verdicts of what a replay counted: overheads in every structure of the world, pairs, rankings by contract, a budget.
struct Judge {
  let box: Box
  private let request: ReplayRequest
  private let outcomes: [Recording.Outcome]
  /// One a strategy.
  private let prices: [StrategyPrice]
  /// The regions of each strategy, the dearest first.
  private let regions: [[RegionPrice]]
  private let pricing: Pricing
  /// The price of each strategy in the world that headline figures are for.
  let overheads: [LinearForm]
  /// Every pair, in the order of the ranking.
  let pairs: [PairVerdict]

  /// Of outcomes, the first is the guest unmonitored.
  init(_ request: ReplayRequest, _ protection: Protection, _ all: [Recording.Outcome]) {
    self.request = request
    outcomes = Array(all.dropFirst())
    let box = Box(request.choices.structures(on: request.profile))
    self.box = box
    pricing = Pricing(profile: request.profile, dimensions: request.dimensions)
    let prices = outcomes.map { StrategyPrice($0.counts, beyond: all[0].counts, geometry: request.profile.geometry) }
    regions = outcomes.map { outcome in
      outcome.tally.byRegion.map { id, shapes in
        RegionPrice(name: protection.name(of: UInt64(id.rawValue)), shapes)
      }.sorted { a, b in
        let (x, y) = (a, b)
        let cycles = [x, y].map { $0.price.counted.priced(by: request.profile).value }
        return cycles[0] == cycles[1] ? x.name < y.name : cycles[0] > cycles[1]
      }
    }
    self.prices = prices
    overheads = prices.map { $0.form(in: box.structures[0]) }
    pairs = Self.pairs(request.strategies, prices, in: pricing.order(of: overheads), over: box)
  }

  var results: [StrategyResult] {
    zip(request.strategies, outcomes).enumerated().map { index, each in
      pricing.result(of: each.0, each.1, overhead: overheads[index], regions: regions[index])
    }
  }

  private static func pairs(
    _ strategies: [Strategy], _ prices: [StrategyPrice], in order: [Int], over box: Box
  ) -> [PairVerdict] {
    let values = prices.map(box.values)
    return order.indices.flatMap { first in
      order[(first + 1)...].map { dearer in
        let cheaper = order[first]
        return PairVerdict(
          cheaper: strategies[cheaper].name, dearer: strategies[dearer].name,
          difference: prices[dearer] - prices[cheaper], structures: box.structures,
          share: box.share { values[cheaper][$0] < values[dearer][$0] })
      }
    }
  }

  /// Rankings by contract; robust where a pair is.
  var rankings: [Contract: Ranking] {
    let order = pricing.order(of: overheads).map { request.strategies[$0] }
    return Dictionary(grouping: order, by: \.promise).mapValues { strategies in
      let names = strategies.map(\.name)
      return Ranking(
        order: names,
        robust: zip(names, names.dropFirst()).map { cheaper, dearer in
          pairs.contains { $0.cheaper == cheaper && $0.dearer == dearer && $0.verdict == .robust }
        })
    }
  }

  /// The overheads as headline figures are, and in each structure that differs from that in one choice.
  var variants: [OverheadVariant] {
    box.structures.filter { $0.changes <= 1 }.map { structure in
      OverheadVariant(
        name: structure.name(beside: box.structures[0]), request.strategies, prices.map { $0.form(in: structure) },
        priced: structure.profile)
    }
  }

  /// Which regions fit the overhead asked for; nil where nobody asks, or nothing is ever protected.
  var budget: Budget? {
    guard let percent = request.budget, let instructions = outcomes.first?.armedInstructions, instructions > 0 else {
      return nil
    }
    let question = BudgetQuestion(
      percent: percent, cyclesPerInstruction: request.latency.pace.cyclesPerInstruction,
      armedInstructions: instructions, box: box)
    return Budget(
      percent: percent, cyclesPerInstruction: request.latency.pace.cyclesPerInstruction,
      answers: request.strategies.indices.map { index in
        let setUp = StrategyPrice(PriceList.price(of: outcomes[index].setUp))
        return question.answer(
          for: request.strategies[index], running: prices[index] - setUp, regions: regions[index])
      })
  }
}
