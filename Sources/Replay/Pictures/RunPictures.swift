/// What only pictures show of a run: of bounded size, and in no saved result.
package struct RunPictures: Equatable, Sendable {
  /// Whose notifications are shown: the strategy that others are held against.
  package var strategy: String
  /// Notifications in all.
  package var count: UInt64 = 0
  /// Stores of the recording: where the axis of time ends, since the order of stores is common to all vCPUs.
  package var stores: UInt64
  /// Notifications by vCPU and time; those of more vCPUs than are shown together.
  package var byVCPU: [Strip] = []
  /// Windows of integrity mode by time.
  package var windows: [UInt64] = []
  /// Notifications by what was stored to, and time: most first, the rest together.
  package var byTarget: [Strip] = []
  /// The first marks.
  package var marks: [Mark] = []
  /// Marks that are not among them.
  package var marksLeftOut: UInt64 = 0
  /// The first notifications.
  package var first: [ListedNotification] = []
  /// The latencies of every strategy.
  package var curves: [LatencyCurves] = []
  /// Whether text shows histograms of them.
  package var showsHistograms = false
  /// What a notification takes on average, by strategy and stage, at the profile's values.
  package var stages: [Stages] = []

  /// Counts by time.
  package struct Strip: Equatable, Sendable {
    /// What it is of.
    package var label: String
    /// How many, in equal parts of the recording's stores.
    package var cells: [UInt64]
  }

  /// A mark of the recording.
  package struct Mark: Equatable, Sendable {
    /// Stores before it.
    package var store: UInt64
    /// Its name.
    package var name: String
  }

  /// The mean of each stage.
  package struct Stages: Equatable, Sendable {
    /// The strategy.
    package var strategy: String
    /// Cycles a notification, by stage in the order of ``Stage``.
    package var cycles: [Double]
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
