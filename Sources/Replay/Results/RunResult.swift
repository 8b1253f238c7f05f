import Recordings

/// Everything a run says, in the shape of its JSON (schema 2). Reports are pure functions of this.
///
/// Modelled cycles and host nanoseconds stand in different fields and are never added.
public struct RunResult: Codable, Equatable, Sendable {
  /// The version of the schema.
  public static let schemaVersion = 2
  /// Schema version, 2.
  public var schema = RunResult.schemaVersion
  /// The program that made the result.
  public var tool: ToolDescription
  /// The machine that ran it; absent under `--counters-only`.
  public var host: HostDescription?
  /// The recording that was replayed.
  public var trace: ReplayedRecording
  /// 2 where translations were walked in both dimensions; absent for one.
  public var dimensions: Int?
  /// What was protected, from when, with which action.
  public var policy: PolicyDescription
  /// The profile that priced the counts.
  public var profile: ProfileDescription
  /// The hypervisor whose software it priced; absent in results of earlier versions.
  public var hypervisor: String?
  /// What latency was computed from besides; absent where nothing was.
  public var time: TimeDescription?
  /// One entry a strategy, in the order they were asked for.
  public var strategies: [StrategyResult]
  /// Strategies that the profile's processor does not offer, and why; absent where it offers all.
  public var unavailable: [UnavailableStrategy]?
  /// Strategies from cheapest to dearest.
  public var ranking: Ranking
  /// The same by contract: strategies that promise different things are not ranked against each other; absent in results of
  /// earlier versions.
  public var rankings: [Contract: Ranking]?
  /// Every strategy against every other, the cheapest first; absent in results of earlier versions.
  public var pairs: [PairVerdict]?
  /// What verdicts were held against; absent in results of earlier versions.
  public var box: BoxDescription?
  /// The run as headline figures are, and in each structure of the world that differs in one choice that nobody has
  /// settled; absent in results of earlier versions.
  public var structures: [OverheadVariant]?
  /// Which regions fit an overhead; absent where nobody asked.
  public var budget: Budget?
  /// What would change the order of two strategies; absent in results of earlier versions.
  public var sensitivity: [OrderSensitivity]?
  /// The same run with other sizes of the assumed caches; absent where it was not asked for.
  public var geometrySensitivity: [OverheadVariant]?
  /// Host ratios of our own paths, where they were asked for; the gate tells them, no saved result does.
  package var hostRatios: HostRatios?
  /// Distributions of host time in place, for exports of their own; in no saved result.
  package var distributions: [HostDistribution] = []
  /// What only pictures show; absent where nobody draws any, and in every saved result.
  package var pictures: RunPictures?
  /// The pages that most notifications were about; absent where nobody asked, or nothing was notified.
  public var hottestPages: HottestPages?
  /// Whether the strategies notified the same stores where their contracts say so.
  public var crosscheck: CrossCheck

  /// A result of what every run has; what only some have is set afterwards.
  public init(
    tool: ToolDescription, trace: ReplayedRecording, policy: PolicyDescription, profile: ProfileDescription,
    time: TimeDescription? = nil, strategies: [StrategyResult], ranking: Ranking, crosscheck: CrossCheck
  ) {
    self.tool = tool
    self.trace = trace
    self.policy = policy
    self.profile = profile
    self.time = time
    self.strategies = strategies
    self.ranking = ranking
    self.crosscheck = crosscheck
  }

  enum CodingKeys: String, CodingKey {
    case rankings, pairs, box, structures, budget
    case schema, tool, host, trace, dimensions, policy, profile, hypervisor, time, strategies, unavailable, ranking
    case sensitivity
    case crosscheck
    case geometrySensitivity = "geometry_sensitivity"
    case hottestPages = "hottest_pages"
  }
}

/// The program that made a result.
public struct ToolDescription: Codable, Equatable, Sendable {
  /// Version of gi-bench.
  public var version: String
  /// `debug` or `release`; absent under `--counters-only`, whose bytes depend on no build.
  public var build: String?

  /// This program, without its build.
  static var anyBuild: ToolDescription { ToolDescription(version: giBenchVersion, build: nil) }

  /// This program.
  public static var current: ToolDescription {
    #if DEBUG
      ToolDescription(version: giBenchVersion, build: "debug")
    #else
      ToolDescription(version: giBenchVersion, build: "release")
    #endif
  }
}

/// The version of gi-bench, as `--version` prints it.
public let giBenchVersion = "0.2.0"

/// The machine that ran a replay.
public struct HostDescription: Codable, Equatable, Sendable {
  /// Processor model.
  public var cpu: String
  /// Processors available.
  public var cores: Int
  /// Operating system.
  public var os: String
}

/// The recording that was replayed.
public struct ReplayedRecording: Codable, Equatable, Sendable {
  /// The path as it was given.
  public var path: String
  /// XXH3-128 of the file, hexadecimal.
  public var digest: String
  /// Stores recorded.
  public var writes: UInt64
  /// Page runs.
  public var runs: UInt64
  /// Distinct pages written.
  public var pages: UInt64
  /// Virtual processors.
  public var vcpus: Int
  /// Guest instructions retired, all vCPUs.
  public var instructions: UInt64
  /// Hypercalls recorded.
  public var hypercalls: UInt64
  /// Marks recorded.
  public var marks: UInt64
  /// Guest kernel, in words.
  public var guest: String
  /// What the pages of reports are where they are no guest-physical pages of the recording: `linear`, or `guest-physical` behind
  /// frames that the trace numbers; absent otherwise.
  public var addresses: String?
  /// What the log is that the recording was imported from; absent where it was not.
  public var log: RecordedLog?
  /// What follows from that for whoever reads the figures; absent where nothing does.
  public var cautions: [String]?
  /// The workload: recordings of one repeat each other. Absent in results of earlier versions.
  public var workload: String?
  /// Which recording of its workload it is; absent where the header does not say.
  public var replicate: Int?
  /// The digest of the recording that it was cut out of; absent for a whole one.
  public var cutOf: String?
  /// The kinds of access that are recorded besides stores, of `loads` and `fetches`; absent for none.
  public var accesses: [String]?
  /// The mark from which on they are; absent for the start.
  public var accessesFrom: String?
  /// How many instructions of a vCPU pass in a second of the guest's time; absent where the header does not say.
  public var instructionsPerSecond: UInt64?

  enum CodingKeys: String, CodingKey {
    case path, digest, writes, runs, pages, vcpus, instructions, hypercalls, marks, guest, addresses, log, cautions
    case workload, replicate, accesses
    case cutOf = "cut_of"
    case accessesFrom = "accesses_from"
    case instructionsPerSecond = "instructions_per_second"
  }
}

/// The profile that priced the counts.
public struct ProfileDescription: Codable, Equatable, Sendable {
  /// Name of the profile.
  public var name: String
  /// Every parameter with bracket, tag and source.
  public var parameters: [CycleProfile.Parameter]

  /// A description from its parts.
  public init(name: String, parameters: [CycleProfile.Parameter]) {
    self.name = name
    self.parameters = parameters
  }
}

/// A strategy that the profile's processor does not offer.
public struct UnavailableStrategy: Codable, Equatable, Sendable {
  /// Name of the strategy.
  public var name: String
  /// What the processor lacks.
  public var reason: String
}

extension UnavailableStrategy {
  /// The strategies that a profile's processor does not offer; nil if it offers all.
  static func all(on profile: CycleProfile) -> [UnavailableStrategy]? {
    let lacking = Strategy.all.compactMap { strategy in
      strategy.missingFeatures(on: profile).first.map {
        UnavailableStrategy(name: strategy.name, reason: "\(profile.name) lacks \($0.title)")
      }
    }
    return lacking.isEmpty ? nil : lacking
  }
}

/// What one strategy cost and noticed.
public struct StrategyResult: Codable, Equatable, Sendable {
  /// Name of the strategy.
  public var name: String
  /// Whether it is sound.
  public var sound: Soundness
  /// What it promises; absent in results of earlier versions.
  public var contract: Contract?
  /// Event counts by name; zero tolerance in the gate.
  public var counts: [String: UInt64]
  /// Modelled cycles beyond the same guest unmonitored.
  public var overheadCycles: Bracket
  /// What the overhead is made of; absent in results of earlier versions.
  public var overheadParts: OverheadParts?
  /// Of the overhead, what setting up cost; absent in results of earlier versions.
  public var setupCycles: Bracket?
  /// The rest of it over the time in which something is protected; absent where nothing is.
  public var armed: ArmedCost?
  /// What each region costs, the dearest first; absent in results of earlier versions.
  public var regions: [RegionCost]?
  /// Modelled cycles the storing instructions waited because of notifications.
  public var guestStallCycles: Bracket
  /// What was noticed and how long it took.
  public var notifications: Notifications
  /// What alert actions would have done to the guest, had it not been a recording: a recorded guest goes on. Absent where
  /// no action was asked for that changes or stops a guest, and in results of earlier versions.
  public var wouldHave: [WouldHave]?
  /// Switches between the two table sets, or of the write bits.
  public var switches: UInt64
  /// Host figures of our own path; absent under `--counters-only`.
  public var host: HostFigures?

  enum CodingKeys: String, CodingKey {
    case name, sound, contract, counts, notifications, switches, host, armed, regions
    case setupCycles = "setup_cycles"
    case wouldHave = "would_have"
    case overheadCycles = "overhead_cycles"
    case overheadParts = "overhead_parts"
    case guestStallCycles = "guest_stall_cycles"
  }
}

/// What an overhead is made of, in modelled cycles; the values add up to the overhead's.
public struct OverheadParts: Codable, Equatable, Sendable {
  /// Notifications, stage by stage: what the storing instructions waited for.
  public var notifications: Bracket
  /// Refused stores that raised no alert.
  public var refusedSilently: Bracket
  /// Hypercalls, switches, edits of entries, INVEPT and what it makes translations cost, logs that were drained in vain.
  public var other: Bracket
  /// Per cent of the overhead by what it rests on (``OverheadEvidence``); absent in results of earlier versions, and where
  /// there is no overhead.
  public var simulated: Double?
  /// See ``simulated``.
  public var published: Double?
  /// See ``simulated``.
  public var measured: Double?
  /// See ``simulated``.
  public var assumed: Double?

  enum CodingKeys: String, CodingKey {
    case notifications, other, simulated, published, measured, assumed
    case refusedSilently = "refused_silently"
  }
}

/// What one alert action would have done to the guest, had it not been a recording.
public struct WouldHave: Codable, Equatable, Sendable {
  /// The action, as policy files name it.
  public var action: String
  /// Stores that it was asked for.
  public var stores: UInt64
  /// Number of the first of these stores in the recording, from 0.
  public var store: UInt64
  /// The vCPU that made it.
  public var vcpu: Int
  /// When it was noticed, in instructions that vCPU had retired since power-on.
  public var at: UInt64
}

/// Host figures of our own path: nanoseconds here, never added to cycles.
public struct HostFigures: Codable, Equatable, Sendable {
  /// Wall-clock seconds of the replay: what all strategies share, and what this one takes besides.
  public var seconds: Double
  /// Of them, what all strategies share; absent in results of earlier versions.
  public var sharedSeconds: Double?
  /// Stores replayed per second.
  public var writesPerSecond: Double
  /// Reading the clock, nanoseconds: the floor below which nothing single can be timed; absent in results of earlier versions.
  public var timerNanoseconds: Double?
  /// Tree look-up, nanoseconds; absent where no store was refused, as under `pml`.
  public var lookupNanoseconds: HostPercentiles?
  /// Violation to alert, nanoseconds; absent likewise.
  public var alertNanoseconds: HostPercentiles?
  /// Each notification where it happened in the replay; absent where none was raised in time.
  public var inPlaceNanoseconds: InPlaceFigures?

  enum CodingKeys: String, CodingKey {
    case seconds
    case sharedSeconds = "shared_seconds"
    case writesPerSecond = "writes_per_second"
    case timerNanoseconds = "timer_ns"
    case lookupNanoseconds = "lookup_ns"
    case alertNanoseconds = "alert_ns"
    case inPlaceNanoseconds = "in_place_ns"
  }
}

/// Percentiles of host nanoseconds, over batches of calls.
public struct HostPercentiles: Codable, Equatable, Sendable {
  /// Median.
  public var p50: Double
  /// 99th percentile.
  public var p99: Double
  /// The median of one of each two batches over that of the other, which did the same: what it differs by from 1 is noise.
  /// Absent where nothing was timed, and in results of earlier versions.
  public var control: Double?
}

/// Strategies from cheapest to dearest by overhead.
///
/// In JSON an array of `{order, strategy, robust}`: the place, the name, and whether it is dearer than the one before for
/// every value inside the brackets; for the cheapest, whether it is cheaper than the one behind it.
public struct Ranking: Codable, Equatable, Sendable {
  /// Names, cheapest first.
  public var order: [String]
  /// For each neighbouring pair of ``order``: whether the order holds for every value inside the brackets.
  public var robust: [Bool]

  /// A ranking from names and what is known of each neighbouring pair.
  public init(order: [String], robust: [Bool]) {
    self.order = order
    self.robust = robust
  }

  private struct Place: Codable {
    var order: Int
    var strategy: String
    var robust: Bool
  }

  /// Decodes the array of places.
  public init(from decoder: any Decoder) throws {
    let places = try decoder.singleValueContainer().decode([Place].self).sorted { $0.order < $1.order }
    order = places.map(\.strategy)
    robust = places.dropFirst().map(\.robust)
  }

  /// Encodes the array of places.
  public func encode(to encoder: any Encoder) throws {
    let places = order.enumerated().map { index, name in
      Place(order: index + 1, strategy: name, robust: robust.isEmpty ? true : robust[max(0, index - 1)])
    }
    var container = encoder.singleValueContainer()
    try container.encode(places)
  }
}
