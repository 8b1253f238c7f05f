import GuestIntegrity

/// Turns counts into a strategy's result under one profile.
struct Pricing {
  let profile: CycleProfile
  let dimensions: Dimensions

  /// A strategy's result; `overhead` is its price in the world that headline figures are for.
  func result(
    of strategy: Strategy, _ outcome: Recording.Outcome, overhead: LinearForm, regions: [RegionPrice] = []
  ) -> StrategyResult {
    let setUp = PriceList.price(of: outcome.setUp)
    let evidence = OverheadEvidence(of: overhead, costs: profile.parameters)
    let tally = outcome.tally
    var stages = [WeightedDistribution](repeating: WeightedDistribution(), count: Stage.latency.count)
    var stall = LinearForm()
    var silent = PriceList.price(of: outcome.ownStores)
    for (shape, weight) in tally.silentShapes { silent.add(shape.stallPrice, times: Double(weight)) }
    for (shape, weight) in tally.shapes {
      for (i, stage) in Stage.latency.enumerated() {
        stages[i].add(shape.price(of: stage).priced(by: profile).value, weight: weight)
      }
      stall.add(shape.stallPrice, times: Double(weight))
    }
    var stagePercentiles = zip(Stage.latency, stages).map { ($0.rawValue, $1.percentiles) }
    let times = outcome.times
    if let cold = times?.cold { stagePercentiles.append(("cold", cold)) }
    var host = outcome.host
    host?.inPlaceNanoseconds = outcome.inPlace?.figures
    return StrategyResult(
      name: strategy.name, sound: strategy.sound, contract: strategy.promise,
      counts: outcome.counts.byName(in: dimensions),
      overheadCycles: overhead.priced(by: profile),
      overheadParts: OverheadParts(
        notifications: stall.priced(by: profile), refusedSilently: silent.priced(by: profile),
        other: (overhead - stall - silent).priced(by: profile), simulated: evidence?.simulated,
        published: evidence?.published, measured: evidence?.measured, assumed: evidence?.assumed),
      setupCycles: setUp.priced(by: profile),
      armed: ArmedCost((overhead - setUp).priced(by: profile).value, over: outcome.armedInstructions),
      regions: regions.map {
        RegionCost(
          name: $0.name, notifications: $0.notifications,
          overheadCycles: $0.price.counted.priced(by: profile))
      }, guestStallCycles: stall.priced(by: profile),
      notifications: Notifications(
        count: tally.count,
        byKind: .init(
          protected: tally.count(of: .protected), tree: tally.count(of: .tree), giCode: tally.count(of: .giCode),
          giData: tally.count(of: .giData)),
        falseShare: tally.falseShare, raisedCycles: times?.raised, deliveredCycles: times?.delivered,
        stallCycles: times?.stall, stages: Dictionary(uniqueKeysWithValues: stagePercentiles),
        coldCycles: times?.coldCycles, leavingGuestCycles: times?.leavingGuestCycles, consumer: times?.consumer,
        late: tally.late.map {
          LateDetection(
            p50: $0.valueAtPercentile(50), p90: $0.valueAtPercentile(90), p99: $0.valueAtPercentile(99), max: $0.max)
        },
        refusedSilently: tally.silentShapes.total + outcome.ownStores[.violationExits],
        setDigest: tally.all.text,
        walkerUpdates: dimensions == .one
          ? nil : WalkerUpdates(count: tally.updates.count, setDigest: tally.updates.text)),
      wouldHave: tally.wouldHave.named, switches: outcome.switches, host: host)
  }

  /// Strategies from cheapest to dearest, and whether each neighbouring order holds all over the brackets.
  func ranking(of strategies: [Strategy], _ prices: [LinearForm]) -> Ranking {
    let order = order(of: prices)
    return Ranking(
      order: order.map { strategies[$0].name },
      robust: zip(order, order.dropFirst()).map { (prices[$1] - prices[$0]).priced(by: profile).low > 0 })
  }

  /// Indices of the prices, cheapest first.
  func order(of prices: [LinearForm]) -> [Int] {
    prices.indices.sorted { (prices[$0].priced(by: profile).value, $0) < (prices[$1].priced(by: profile).value, $1) }
  }
}

extension Pricing {
  /// What would change the order of neighbours in the ranking, of the cheapest and each other strategy, and of the cheapest
  /// sound one and each other sound one.
  func sensitivity(of strategies: [Strategy], _ prices: [LinearForm]) -> [OrderSensitivity] {
    let order = order(of: prices)
    let sound = order.filter { strategies[$0].sound.value }
    var pairs = zip(order, order.dropFirst()).map { [$0, $1] }
    for rival in [order, sound] {
      for dearer in rival.dropFirst() where !pairs.contains([rival[0], dearer]) { pairs.append([rival[0], dearer]) }
    }
    return pairs.map { pair in
      let (cheaper, dearer) = (pair[0], pair[1])
      return OrderSensitivity(
        cheaper: strategies[cheaper].name, dearer: strategies[dearer].name,
        difference: prices[dearer] - prices[cheaper], costs: profile.parameters)
    }
  }
}
