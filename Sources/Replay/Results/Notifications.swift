/// What was noticed and how long it took, in modelled cycles.
public struct Notifications: Codable, Equatable, Sendable {
  /// Notifications in all.
  public var count: UInt64
  /// By kind of page.
  public var byKind: ByKind
  /// Notifications whose store touched a monitored page but no monitored byte.
  public var falseShare: UInt64
  /// From the store's issue to the alert in the ring; nil where nothing is raised before the store has its effect.
  public var raisedCycles: LatencyPercentiles?
  /// From the store's issue to the alert in the consumer's hand; nil likewise, and where all were lost.
  public var deliveredCycles: LatencyPercentiles?
  /// How long the vCPU stood still; nil where nothing was noticed.
  public var stallCycles: LatencyPercentiles?
  /// The latency of an alert into a ring whose consumer is never in the way, stage by stage; the caches' share is `cold`.
  public var stages: [String: Percentiles]
  /// What handler, tree and ring cost beyond a loop that keeps them in the first-level cache, over all refused stores; not
  /// among the overhead. Nil where nothing is refused.
  public var coldCycles: Bracket?
  /// Where alerts are raised in the guest: what it costs to leave it for each; half of that is among the delivered cycles,
  /// nothing among the overhead. Nil elsewhere.
  public var leavingGuestCycles: Bracket?
  /// Who took the alerts, and what became of those that found no room; nil where none are raised in time.
  public var consumer: ConsumerFigures?
  /// How late stores were noticed after their effect, in guest instructions; nil where none is late.
  public var late: LateDetection?
  /// Refused stores that raised no alert, with the exits they cost: the driver's own, into its tree and its data, and those of
  /// pages that nobody monitors. Absent in results of earlier versions.
  public var refusedSilently: UInt64?
  /// Order-independent digest of the set of notified stores; equal digests mean equal sets.
  public var setDigest: String
  /// The walker's own stores to the guest's tables that were noticed; not among `count`, but their latencies are among the
  /// others. Absent in one dimension.
  public var walkerUpdates: WalkerUpdates?

  enum CodingKeys: String, CodingKey {
    case count, stages, consumer
    case late = "late_instructions"
    case byKind = "by_kind"
    case falseShare = "false_share"
    case refusedSilently = "refused_silently"
    case raisedCycles = "raised_cycles"
    case deliveredCycles = "delivered_cycles"
    case stallCycles = "stall_cycles"
    case coldCycles = "cold_cycles"
    case leavingGuestCycles = "leaving_guest_cycles"
    case setDigest = "set_digest"
    case walkerUpdates = "walker_updates"
  }

  /// Notifications by kind of page.
  public struct ByKind: Codable, Equatable, Sendable {
    /// Pages the driver asked to protect.
    public var protected: UInt64
    /// Node pages of the tree.
    public var tree: UInt64
    /// The driver's code.
    public var giCode: UInt64
    /// The driver's data.
    public var giData: UInt64

    enum CodingKeys: String, CodingKey {
      case protected, tree
      case giCode = "gi_code"
      case giData = "gi_data"
    }
  }
}

/// Accessed and dirty flags that the processor's walks set on monitored pages of the guest's tables, as they were noticed.
public struct WalkerUpdates: Codable, Equatable, Sendable {
  /// Notifications.
  public var count: UInt64
  /// Order-independent digest of the set of them, each by its entry and the store it was made for.
  public var setDigest: String

  enum CodingKeys: String, CodingKey {
    case count
    case setDigest = "set_digest"
  }
}

/// How late stores were noticed, in guest instructions after the store.
public struct LateDetection: Codable, Equatable, Sendable {
  /// Median.
  public var p50: UInt64
  /// 90th percentile.
  public var p90: UInt64
  /// 99th percentile.
  public var p99: UInt64
  /// Greatest.
  public var max: UInt64
}
