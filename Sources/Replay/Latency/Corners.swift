/// A figure at the three named corners: low, value and high.
///
/// Queues and rates are not linear in costs, so nothing follows from the ends of brackets one by one: they run three times.
/// At `low` every cost is its least, caches are as hot as they can be, and the guest is at its slowest, so that alerts come
/// as far apart as they can; at `high` it is the other way round.
typealias AtCorners = SIMD3<Double>

extension Bracket {
  /// The three ends as corners.
  var corners: AtCorners { AtCorners(low, value, high) }

  /// What the corners enclose: a queue may be longest at a corner in the middle.
  init(enclosing corners: AtCorners) {
    self.init(low: corners.min(), value: corners[1], high: corners.max())
  }
}
