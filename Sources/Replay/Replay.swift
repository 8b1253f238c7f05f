import GuestIntegrity
import WriteTrace

/// Replays a recording under every strategy asked for, and prices what was counted.
///
/// Counts and cycles depend on the recording, the strategies and the profile alone. Throws ``ReplayError`` or the
/// reader's `TraceError`.
public func replay(_ request: ReplayRequest) throws -> RunResult {
  let recording = try Recording(path: request.tracePath)
  let pricing = Pricing(profile: request.profile)
  let unmonitored = try recording.run(nil, request: request, finished: 0)
  let zero = PriceList.price(of: unmonitored.counts)
  var results: [StrategyResult] = []
  var prices: [LinearForm] = []
  for (index, strategy) in request.strategies.enumerated() {
    let outcome = try recording.run(strategy, request: request, finished: index + 1)
    let overhead = PriceList.price(of: outcome.counts) - zero
    prices.append(overhead)
    results.append(pricing.result(of: strategy, outcome, overhead: overhead))
  }
  return RunResult(
    tool: .current, host: request.countersOnly ? nil : HostDescription.current, trace: recording.description,
    policy: PolicyDescription(name: "recorded-driver", arm: nil),
    profile: ProfileDescription(name: request.profile.name, parameters: request.profile.parameters),
    strategies: results, ranking: pricing.ranking(of: request.strategies, prices),
    crosscheck: CrossCheck(results))
}
