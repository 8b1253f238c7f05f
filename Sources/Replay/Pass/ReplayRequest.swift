/// What a run is asked to do.
public struct ReplayRequest: Sendable {
  /// The recording.
  public var tracePath: String
  /// Strategies to compare, each once.
  public var strategies: [Strategy]
  /// The profile that prices the counts and sizes the caches.
  public var profile: CycleProfile
  /// How many dimensions of a translation are walked.
  public var dimensions: Dimensions
  /// What to protect; nil for what the recorded driver asked for.
  public var policy: Policy?
  /// Name or number of the mark from which on; nil for the recorded hypercalls' own time.
  public var arm: String?
  /// Whether the recording is replayed again with other sizes of the assumed caches.
  public var isGeometryVaried: Bool
  /// Who takes the alerts, and what else latency depends on that no recording tells.
  public var latency: LatencySetting
  /// What is settled about the world; what is not stays open.
  public var choices = StructuralChoices()
  /// Which regions fit this overhead, in per cent of the armed guest's time; nil where nobody asks.
  public var budget: Double?
  /// Whether the pages with most notifications are told by name, for which the recording's symbols are read.
  public var namesPages = false
  /// Whether what only pictures show is collected.
  package var isPictured = false
  /// Told every notification of every strategy, once all is known of it; called on the replaying thread. Nil where nobody asks.
  public var notified: (@Sendable (ListedNotification) throws -> Void)?
  /// No clock is read and no host figure reported, so that the result is byte-identical everywhere.
  public var countersOnly: Bool
  /// Times our own paths beside those of another build, whatever ``countersOnly`` says; nil for not at all.
  package var hostMeter: (@Sendable (HostRatioTask) throws -> HostRatios)?
  /// Whether every run is replayed, and none left out that a filter finds to change nothing: for tests of the filter.
  var isUnfiltered = false
  /// Host threads: 1, or 2 to have the next block decoded while one is replayed. Results do not depend on it.
  public var threads: Int
  /// Told now and then how far the run is; called on the replaying thread.
  public var progress: (@Sendable (ReplayProgress) -> Void)?

  /// A run of `strategies` over one recording.
  public init(
    tracePath: String, strategies: [Strategy], profile: CycleProfile, dimensions: Dimensions = .one,
    policy: Policy? = nil, arm: String? = nil, isGeometryVaried: Bool = false, countersOnly: Bool = false,
    threads: Int = 1, progress: (@Sendable (ReplayProgress) -> Void)? = nil
  ) {
    self.tracePath = tracePath
    self.strategies = strategies
    self.profile = profile
    self.dimensions = dimensions
    self.policy = policy
    self.arm = arm
    latency = LatencySetting(consumer: .poll)
    self.isGeometryVaried = isGeometryVaried
    self.countersOnly = countersOnly
    self.threads = threads
    self.progress = progress
  }
}

/// How far a run is.
public struct ReplayProgress: Sendable {
  /// Strategies being replayed side by side.
  public var strategies: Int
  /// Stores replayed so far.
  public var writes: UInt64
  /// Stores of the recording.
  public var totalWrites: UInt64
}
