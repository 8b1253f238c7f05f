/// What only pictures show of a run: of bounded size, and in no saved result.
public struct RunPictures: Equatable, Sendable {
  /// Whose notifications are shown: the strategy that others are held against.
  public var strategy: String
  /// Notifications in all.
  public var count: UInt64 = 0
  /// Stores of the recording: where the axis of time ends, since the order of stores is common to all vCPUs.
  public var stores: UInt64
  /// Notifications by vCPU and time; those of more vCPUs than are shown together.
  public var byVCPU: [Strip] = []
  /// Windows of integrity mode by time.
  public var windows: [UInt64] = []
  /// Notifications by what was stored to, and time: most first, the rest together.
  public var byTarget: [Strip] = []
  /// The first marks.
  public var marks: [Mark] = []
  /// Marks that are not among them.
  public var marksLeftOut: UInt64 = 0
  /// The first notifications.
  public var first: [ListedNotification] = []
  /// The latencies of every strategy.
  public var curves: [LatencyCurves] = []
  /// Whether text shows histograms of them.
  public var showsHistograms = false
  /// What a notification takes on average, by strategy and stage, at the profile's values.
  public var stages: [Stages] = []

  /// Counts by time.
  public struct Strip: Equatable, Sendable {
    /// What it is of.
    public var label: String
    /// How many, in equal parts of the recording's stores.
    public var cells: [UInt64]
  }

  /// A mark of the recording.
  public struct Mark: Equatable, Sendable {
    /// Stores before it.
    public var store: UInt64
    /// Its name.
    public var name: String
  }

  /// The mean of each stage.
  public struct Stages: Equatable, Sendable {
    /// The strategy.
    public var strategy: String
    /// Cycles a notification, by stage in the order of ``Stage``.
    public var cycles: [Double]
  }
}

extension RunPictures.Stages {
  /// The means of what was tallied; nil where nothing was noticed.
  init?(of strategy: Strategy, _ tally: NotificationTally, priced profile: CycleProfile) {
    let count = tally.shapes.total
    guard count > 0 else { return nil }
    self.strategy = strategy.name
    cycles = Stage.allCases.map { stage in
      tally.shapes.reduce(0) { $0 + $1.shape.price(of: stage).priced(by: profile).value * Double($1.count) }
        / Double(count)
    }
  }
}
