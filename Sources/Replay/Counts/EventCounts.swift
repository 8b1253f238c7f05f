/// How often each ``Event`` happened. Exact, and identical on every machine, build and thread count.
public struct EventCounts: Equatable, Sendable {
  private var storage = [UInt64](repeating: 0, count: Event.allCases.count)

  /// All zero.
  public init() {}

  /// The count of one event.
  public subscript(_ event: Event) -> UInt64 {
    get { storage[event.rawValue] }
    set { storage[event.rawValue] = newValue }
  }

  /// Adds another tally, event by event.
  public static func += (a: inout Self, b: Self) {
    for i in a.storage.indices { a.storage[i] &+= b.storage[i] }
  }

  /// What has been counted since another tally of the same.
  static func - (a: Self, b: Self) -> Self {
    var difference = a
    for i in a.storage.indices { difference.storage[i] &-= b.storage[i] }
    return difference
  }

  /// The counts under their JSON names, as far as a replay of these dimensions counts them.
  public func byName(in dimensions: Dimensions) -> [String: UInt64] {
    let events = Event.allCases.filter { dimensions == .two || !$0.needsTwoDimensions }
    return Dictionary(uniqueKeysWithValues: events.map { ($0.name, self[$0]) })
  }
}
