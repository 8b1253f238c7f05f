import GuestIntegrity

/// What watching one region costs a strategy: the notifications of stores to its pages.
public struct RegionCost: Codable, Equatable, Sendable {
  /// The region's name: the policy's, or else the recording's, or else its number.
  public var name: String
  /// Notifications of stores that touch its pages, and of the walker's updates there.
  public var notifications: UInt64
  /// What they cost, in modelled cycles.
  public var overheadCycles: Bracket

  enum CodingKeys: String, CodingKey {
    case name, notifications
    case overheadCycles = "overhead_cycles"
  }
}

/// The same before it is a number.
struct RegionPrice {
  let name: String
  let notifications: UInt64
  let price: StrategyPrice

  /// The price of a region's notifications by shape.
  init(name: String, _ shapes: ShapeCounts) {
    self.name = name
    notifications = shapes.total
    var price = StrategyPrice(LinearForm())
    for (shape, weight) in shapes {
      price.counted.add(shape.stallPrice, times: Double(weight))
      price.flush[.l1dFlush] += Double(weight) * Double(shape.completion[.emulatedStore])
    }
    self.price = price
  }
}
