import MonitorTree

/// What to protect in a recorded guest, instead of what its own driver asked for: named regions, each with the actions that a
/// store to it calls for.
///
/// Where a region lies is said in the guest's terms; `resolved(for:guestBytes:topLevelTables:)` turns it into bytes and
/// pages of one recording.
public struct Policy: Equatable, Sendable {
  /// Name of the policy, as results quote it.
  public var name: String
  /// The file it was read from, as errors name it.
  public var origin: String
  /// What to protect, at least one region; they may overlap.
  public var regions: [Region]

  /// One thing to protect.
  public struct Region: Equatable, Sendable {
    /// Its name.
    public var name: String
    /// Where it lies.
    public var place: Place
    /// What a store to it calls for.
    public var actions: AlertActions
    /// Whether strategies that promote pages are to promote its pages from the start.
    public var isCritical = false
  }

  /// Where a region lies.
  public enum Place: Equatable, Sendable {
    /// A symbol of the guest's kernel: `bytes` from `offset` on, or to its end.
    case symbol(String, offset: UInt64, bytes: UInt64?)
    /// From one symbol up to another.
    case between(from: String, to: String)
    /// A section: a region that the recording itself names.
    case section(String)
    /// Guest-physical bytes; `count` times, each so many bytes behind the one before.
    case bytes(Range<UInt64>, every: UInt64 = 0, count: UInt64 = 1)
    /// Linear bytes, of a log of virtual addresses.
    case linear(Range<UInt64>)
    /// The pages that the recording shows to be tables of the guest's paging structures.
    case pageTables
  }
}

/// A policy as it applies to one recording.
struct ResolvedPolicy: Equatable {
  /// The regions, with ids from 1 in the policy's order.
  var regions: [Region]

  /// One region of a recording.
  struct Region: Equatable {
    let id: UInt64
    let name: String
    let actions: AlertActions
    /// Whether its pages are promoted from the start, where a strategy promotes pages.
    let isCritical: Bool
    /// Its exact bytes, disjoint and ascending.
    let bytes: [Range<UInt64>]

    /// The pages that hold a byte of it, as long as they go, ascending: first page and how many.
    var pages: [(first: UInt64, count: UInt64)] {
      var runs: [(first: UInt64, count: UInt64)] = []
      for range in bytes {
        let (first, last) = (range.lowerBound >> 12, (range.upperBound - 1) >> 12)
        if let run = runs.last, first <= run.first + run.count {
          runs[runs.count - 1].count = max(run.count, last + 1 - run.first)
        } else {
          runs.append((first, last + 1 - first))
        }
      }
      return runs
    }
  }

  /// The exact bytes of each region, by id.
  var listed: [UInt64: [Range<UInt64>]] { Dictionary(uniqueKeysWithValues: regions.map { ($0.id, $0.bytes) }) }
}
