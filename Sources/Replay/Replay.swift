import GuestIntegrity
import Recordings

/// Replays a recording under every strategy asked for, and prices what was counted.
///
/// Counts and cycles depend on the recording, the policy, the strategies and the profile alone. Throws ``ReplayError`` or the
/// reader's `RecordingError`.
public func replay(_ request: ReplayRequest) throws -> RunResult {
  let recording = try Recording(path: request.tracePath, symbols: request.policy != nil || request.namesPages)
  try recording.check(for: request.dimensions)
  try recording.demandProtection(by: request.policy)
  let pricing = Pricing(profile: request.profile, dimensions: request.dimensions)
  let protection = try recording.protection(by: request.policy, armedBy: request.arm)
  let outcomes = try recording.replay([nil] + request.strategies, under: protection, request: request)
  let unmonitored = PriceList.price(of: outcomes[0].counts)
  var results: [StrategyResult] = []
  var prices: [LinearForm] = []
  for (strategy, outcome) in zip(request.strategies, outcomes.dropFirst()) {
    let overhead = PriceList.price(of: outcome.counts) - unmonitored
    prices.append(overhead)
    results.append(pricing.result(of: strategy, outcome, overhead: overhead))
  }
  var result = RunResult(
    tool: request.countersOnly ? .anyBuild : .current, host: request.countersOnly ? nil : HostDescription.current,
    trace: recording.description, dimensions: request.dimensions == .one ? nil : request.dimensions.rawValue,
    policy: protection.description,
    profile: ProfileDescription(name: request.profile.name, parameters: request.profile.parameters),
    time: TimeDescription(request.latency, LatencyCosts(request.profile)), strategies: results,
    unavailable: UnavailableStrategy.all(on: request.profile),
    ranking: pricing.ranking(of: request.strategies, prices),
    sensitivity: pricing.sensitivity(of: request.strategies, prices),
    geometrySensitivity: request.isGeometryVaried
      ? try recording.geometrySensitivity(under: protection, request: request) : nil,
    hottestPages: request.namesPages
      ? HottestPages(
        request.strategies, outcomes.dropFirst().map(\.tally), regions: protection.regions,
        truePages: protection.truePages) : nil,
    hostRatios: try outcomes.lazy.compactMap(\.hostRatioTask).first.flatMap { try request.hostMeter?($0) },
    crosscheck: CrossCheck(request.strategies, outcomes.dropFirst().map(\.tally)))
  result.distributions = zip(request.strategies, outcomes.dropFirst()).flatMap { strategy, outcome in
    (outcome.inPlace?.distributions ?? []).map {
      HostDistribution(strategy: strategy.name, end: $0.end, text: $0.text)
    }
  }
  return result
}
