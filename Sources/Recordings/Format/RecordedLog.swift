/// What the log of another tool is: what its records cover, what its times count, what it lost, who is in it.
///
/// An import finds it out and the header keeps it. Every field is optional, and one that an older or newer program does not
/// understand is left out, so that headers stay readable in both directions.
public struct RecordedLog: Codable, Hashable, Sendable {
  /// Which stores the log holds.
  public var coverage: Coverage?
  /// What the counts of the records are.
  public var time: Time?
  /// Whether the log says how many bytes a store has.
  public var hasSizes: Bool?
  /// Events that the tool says it lost.
  public var lostEvents: UInt64?
  /// Places where the tool lost events and does not say how many.
  public var unknownLosses: UInt64?
  /// The tasks, or processes, whose stores are in the trace.
  public var tasks: [Task]?
  /// Whether stores of several processes cannot be told apart, so that one address may be several pages.
  public var mixesProcesses: Bool?
  /// Stores of tasks that were not chosen.
  public var otherTasksStores: UInt64?
  /// Stores left out because they go to devices, interrupt controllers or beyond the guest's memory.
  public var deviceStores: UInt64?
  /// Faults that repeat the one before of their vCPU: the same instruction and address.
  public var repeatedFaults: UInt64?
  /// Lines that were not understood and left out, as asked.
  public var skippedLines: UInt64?
  /// What the linear-pages column holds, where the pages of the runs are frames numbered in the order of first touch.
  public var truePages: PageSpace?

  /// Which stores a log holds.
  public enum Coverage: String, Codable, Sendable {
    /// Every store there was.
    case everyStore = "every-store"
    /// Only stores that faulted in the host's tables.
    case faults
    /// What caches wrote back to memory.
    case writeBacks = "write-backs"
  }

  /// What the counts of records are.
  public enum Time: String, Codable, Sendable {
    /// Instructions retired.
    case instructions
    /// Nanoseconds since the log's first event.
    case nanoseconds
    /// Cycles of some clock.
    case cycles
    /// Records of the log: it has no time.
    case records
  }

  /// What the true pages behind numbered frames are.
  public enum PageSpace: String, Codable, Sendable {
    /// Linear pages.
    case linear
    /// Guest-physical pages beyond what a run can hold.
    case guestPhysical = "guest-physical"
  }

  /// A thread of a virtual machine, or a process.
  public struct Task: Codable, Hashable, Sendable {
    /// Its number.
    public var task: UInt64
    /// The number of its process, where the log tells.
    public var process: UInt64?
    /// Its name.
    public var name: String?
    /// The vCPU that it is in the trace.
    public var vcpu: Int?
    /// Its stores.
    public var stores: UInt64

    /// A task from what is known of it.
    public init(task: UInt64, process: UInt64? = nil, name: String? = nil, vcpu: Int? = nil, stores: UInt64 = 0) {
      self.task = task
      self.process = process
      self.name = name
      self.vcpu = vcpu
      self.stores = stores
    }
  }

  enum CodingKeys: String, CodingKey {
    case coverage, time, tasks
    case hasSizes = "has_sizes"
    case lostEvents = "lost_events"
    case unknownLosses = "unknown_losses"
    case mixesProcesses = "mixes_processes"
    case otherTasksStores = "other_tasks_stores"
    case deviceStores = "device_stores"
    case repeatedFaults = "repeated_faults"
    case skippedLines = "skipped_lines"
    case truePages = "true_pages"
  }

  /// A log of which so much is known.
  public init(coverage: Coverage? = nil, time: Time? = nil, hasSizes: Bool? = nil) {
    self.coverage = coverage
    self.time = time
    self.hasSizes = hasSizes
  }

  /// A log; what is not understood is not known.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    func value<Value: Decodable>(_ key: CodingKeys) -> Value? { try? values.decode(Value.self, forKey: key) }
    coverage = value(.coverage)
    time = value(.time)
    hasSizes = value(.hasSizes)
    lostEvents = value(.lostEvents)
    unknownLosses = value(.unknownLosses)
    tasks = value(.tasks)
    mixesProcesses = value(.mixesProcesses)
    otherTasksStores = value(.otherTasksStores)
    deviceStores = value(.deviceStores)
    repeatedFaults = value(.repeatedFaults)
    skippedLines = value(.skippedLines)
    truePages = value(.truePages)
  }
}
