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
  let pictures =
    request.isPictured
    ? request.strategies.reference.map {
      PictureCollector(of: request.strategies[$0].name, recording.reader.header)
    } : nil
  let outcomes = try recording.replay(
    [nil] + request.strategies, under: protection, request: request, pictures: pictures)
  let judge = Judge(request, protection, outcomes)
  let results = judge.results
  let tallies = outcomes.dropFirst().map(\.tally)
  var result = RunResult(
    tool: request.countersOnly ? .anyBuild : .current, trace: recording.description, policy: protection.description,
    profile: ProfileDescription(name: request.profile.name, parameters: request.profile.parameters),
    time: TimeDescription(request.latency, LatencyCosts(request.profile)), strategies: results,
    ranking: pricing.ranking(of: request.strategies, judge.overheads),
    crosscheck: CrossCheck(request.strategies, tallies))
  result.hypervisor = request.profile.hypervisor.name
  (result.rankings, result.pairs) = (judge.rankings, judge.pairs)
  (result.box, result.structures) = (BoxDescription(judge.box.structures), judge.variants)
  result.budget = judge.budget
  if !request.countersOnly { result.host = HostDescription.current }
  if request.dimensions == .two { result.dimensions = request.dimensions.rawValue }
  result.unavailable = UnavailableStrategy.all(on: request.profile)
  result.sensitivity = pricing.sensitivity(of: request.strategies, judge.overheads)
  if request.isGeometryVaried {
    result.geometrySensitivity = try recording.geometrySensitivity(under: protection, request: request)
  }
  if request.namesPages {
    result.hottestPages = HottestPages(
      request.strategies, tallies, regions: protection.regions, truePages: protection.truePages)
  }
  let differing = outcomes.compactMap(\.differing).filter { $0.missed + $0.extra > 0 }
  if !differing.isEmpty {
    let symbols = SymbolTable(protection.placed(recording.reader.header.recording.symbols))
    result.crosscheck.stores = differing.map { $0.named(by: symbols, protection.truePages) }
  }
  result.pictures = pictures?.finish(
    curves: outcomes.compactMap(\.curves),
    stages: zip(request.strategies, tallies).compactMap {
      RunPictures.Stages(of: $0, $1, priced: request.profile)
    })
  result.hostRatios = try outcomes.lazy.compactMap(\.hostRatioTask).first.flatMap { try request.hostMeter?($0) }
  result.distributions = zip(request.strategies, outcomes.dropFirst()).flatMap { strategy, outcome in
    (outcome.inPlace?.distributions ?? []).map {
      HostDistribution(strategy: strategy.name, end: $0.end, text: $0.text)
    }
  }
  return result
}
