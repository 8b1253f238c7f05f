/// What has happened, in the numbers that GI_QUERY answers.
public struct Counters: Hashable, Sendable {
  /// The counters by number.
  public enum Number: UInt64, CaseIterable, Sendable {
    /// Alerts of every cause.
    case alerts = 0
    /// Writes to protected pages.
    case protectedWrites = 1
    /// Writes to pages of the tree.
    case treeWrites = 2
    /// Writes to GI code.
    case giCodeWrites = 3
    /// Writes to GI data.
    case giDataWrites = 4
    /// The driver's own writes that faulted and were filtered by mode.
    case ownWrites = 5
    /// Hypercalls refused.
    case hypercallsRefused = 6
    /// Entries into integrity mode.
    case entries = 7
    /// Abnormal ends of integrity mode.
    case integrityFaults = 8
    /// Pages that regions claim.
    case protectedPages = 9
    /// Donated pages that are free for nodes.
    case freeNodePages = 10
    /// Alert events lost to full rings.
    case eventsLost = 11
  }

  /// In place, so that counting on the way of an alert neither allocates nor counts references.
  private var values = InlineArray<12, UInt64>(repeating: 0)

  /// All zero.
  public init() {}

  /// Counters from their values, by number.
  init?(values: [UInt64]) {
    guard values.count == Number.allCases.count else { return nil }
    for (index, value) in values.enumerated() { self.values[index] = value }
  }

  /// A counter's value.
  public subscript(_ number: Number) -> UInt64 {
    get { values[Int(number.rawValue)] }
    set { values[Int(number.rawValue)] = newValue }
  }
}

extension Counters {
  private var all: [UInt64] { Number.allCases.map { self[$0] } }

  /// Whether every counter is equal.
  public static func == (a: Self, b: Self) -> Bool { a.all == b.all }

  /// Hashes every counter.
  public func hash(into hasher: inout Hasher) { hasher.combine(all) }
}
