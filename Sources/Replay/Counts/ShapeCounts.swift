/// How often each shape came, by shape in the order in which they first came.
///
/// Most notifications have the shape of the one before, so that is looked at before anything is hashed.
struct ShapeCounts: Sequence, Equatable {
  private var entries: [(shape: NotificationShape, count: UInt64)] = []
  private var places: [NotificationShape: Int] = [:]
  private var latest = 0

  /// How many came in all.
  var total: UInt64 { entries.reduce(0) { $0 + $1.count } }

  mutating func add(_ shape: NotificationShape) {
    if latest >= entries.count || entries[latest].shape != shape { latest = place(of: shape) }
    entries[latest].count += 1
  }

  private mutating func place(of shape: NotificationShape) -> Int {
    if let place = places[shape] { return place }
    entries.append((shape, 0))
    places[shape] = entries.count - 1
    return entries.count - 1
  }

  func makeIterator() -> some IteratorProtocol<(shape: NotificationShape, count: UInt64)> { entries.makeIterator() }

  static func == (a: Self, b: Self) -> Bool {
    a.entries.count == b.entries.count
      && a.entries.allSatisfy { entry in b.places[entry.shape].map { b.entries[$0].count } == entry.count }
  }
}
