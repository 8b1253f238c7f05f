/// The header of a trace: what it is of, what it holds, and its totals.
public struct RecordingHeader: Codable, Hashable, Sendable {
  /// What was recorded, and how.
  public var recording: RecordingDescription
  /// What the blocks hold in all.
  public var totals: Totals
  /// Names of the columns present.
  public var columns: [String]
  /// Whether the recorder said that it ended as meant; false for a stream that broke off.
  public var complete: Bool

  /// What the blocks of a trace hold in all.
  public struct Totals: Codable, Hashable, Sendable {
    /// Stores of the guest.
    public var writes: UInt64 = 0
    /// Accesses: stores, and once more for each store that crosses a page end.
    public var accesses: UInt64 = 0
    /// Runs.
    public var runs: UInt64 = 0
    /// Distinct guest pages stored to.
    public var pages: UInt64 = 0
    /// One past the highest page number of any run.
    public var pageLimit: UInt64 = 0
    /// vCPUs: one past the highest number of any record, or as many as the description says.
    public var vcpus: Int = 0
    /// Instructions retired up to the last record, for each vCPU.
    public var instructions: [UInt64] = []
    /// Bytes stored.
    public var bytes: UInt64 = 0
    /// Hypercall events.
    public var hypercalls: UInt64 = 0
    /// CR3 loads.
    public var cr3Loads: UInt64 = 0
    /// Guest page mappings.
    public var maps: UInt64 = 0
    /// Marks.
    public var marks: UInt64 = 0
    /// Halts; nil for none, or none recorded.
    public var halts: UInt64?
    /// Changes of control registers; nil for none, or none recorded.
    public var controlChanges: UInt64?
    /// Loads; nil where none were recorded.
    public var loads: Accesses?
    /// Fetches of instructions; nil where none were recorded.
    public var fetches: Accesses?

    /// Accesses that are no stores.
    public struct Accesses: Codable, Hashable, Sendable {
      /// How many.
      public var accesses: UInt64 = 0
      /// How many runs (`AccessRun`) hold them.
      public var runs: UInt64 = 0

      /// Nothing yet.
      package init() {}

      /// Counts one run more.
      package mutating func count(_ run: Run) {
        accesses += UInt64(run.accesses)
        runs += 1
      }
    }

    enum CodingKeys: String, CodingKey {
      case writes, accesses, runs, pages, vcpus, instructions, bytes, hypercalls, maps, marks, halts, loads, fetches
      case controlChanges = "control_changes"
      case pageLimit = "page_limit"
      case cr3Loads = "cr3_loads"
    }

    /// Nothing yet.
    package init() {}

    /// All events.
    public var events: UInt64 {
      hypercalls &+ cr3Loads &+ maps &+ marks &+ (halts ?? 0) &+ (controlChanges ?? 0)
    }

    /// Counts one event more.
    package mutating func count(_ event: RecordedEvent) {
      switch event {
      case .hypercall: hypercalls += 1
      case .cr3: cr3Loads += 1
      case .map: maps += 1
      case .mark: marks += 1
      case .halt: halts = (halts ?? 0) + 1
      case .control: controlChanges = (controlChanges ?? 0) + 1
      }
    }

    /// What is wrong with these totals of events where the records hold `counted`; nil if nothing is.
    package func disagreement(withEventsOf counted: Self) -> String? {
      let kinds: [(String, UInt64, UInt64)] = [
        ("hypercalls", counted.hypercalls, hypercalls), ("CR3 loads", counted.cr3Loads, cr3Loads),
        ("mappings", counted.maps, maps), ("marks", counted.marks, marks),
        ("halts", counted.halts ?? 0, halts ?? 0),
        ("changes of control registers", counted.controlChanges ?? 0, controlChanges ?? 0),
      ]
      return kinds.first { $0.1 != $0.2 }.map { "\($0.1) \($0.0) in the records, expected \($0.2) as the header says" }
    }
  }

  /// The first version of the format that can hold such a trace.
  var neededVersion: UInt32 {
    totals.halts == nil && totals.controlChanges == nil && columnSet.isDisjoint(with: .ofVersion2) ? 1 : 2
  }

  /// The columns present, as a set; names this build does not know are left out.
  public var columnSet: RecordingColumns {
    RecordingColumn.allCases.reduce(into: []) { if columns.contains($1.name) { $0.insert(RecordingColumns($1)) } }
  }
}
