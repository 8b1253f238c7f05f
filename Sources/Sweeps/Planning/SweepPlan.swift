import Recordings

/// A study: recordings, times every combination of the values of some options of `run`.
///
/// The strategies of a cell are replayed in one pass, so they are no axis of their own.
package struct SweepPlan: Sendable {
  /// What the study is called.
  package var name: String
  /// What is replayed.
  package var recordings: [Source]
  /// The strategies to compare; empty for all that a cell's processor offers.
  package var strategies: [String]
  /// What is varied, in the order of options.
  package var axes: [Axis]
  /// Whether host times are taken too, which no two runs share.
  package var readsClock: Bool

  /// Where a recording comes from.
  package enum Source: Sendable {
    /// A file.
    case file(String)
    /// One that is made up, the same everywhere.
    case generated(name: String, RecordingGenerator)
  }

  /// One option of `run`, without its dashes, and the values it takes.
  package struct Axis: Equatable, Sendable {
    /// The option.
    package var option: String
    /// Its values; nil leaves the option out.
    package var values: [String?]
  }

  /// The greatest plan that is read, in bytes.
  package static let sizeLimit = 1 << 20
  /// The most cells of a plan.
  package static let cellLimit = 100_000

  /// How many cells the plan has; nil for more than ``cellLimit``.
  package var cellCount: Int? {
    var count = recordings.count
    for axis in axes {
      // Each factor is at most the size of a plan file, so no product of two overflows.
      count *= axis.values.count
      if count > Self.cellLimit { return nil }
    }
    return count
  }

  /// Every combination of the axes' values, the last axis fastest.
  package var combinations: [[String: String]] {
    axes.reduce([[:]]) { combinations, axis in
      combinations.flatMap { settings in
        axis.values.map { value in
          var settings = settings
          settings[axis.option] = value
          return settings
        }
      }
    }
  }
}
