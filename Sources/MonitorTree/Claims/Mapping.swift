import Addresses

/// A request to monitor pages: which, what to do about writes, and for which region.
@frozen
public struct Mapping: Hashable, Sendable {
  /// The pages.
  public var range: PageRange
  /// What the region wants done about a write.
  public var actions: AlertActions
  /// The region the pages belong to.
  public var region: RegionID

  /// A request to monitor `range`.
  @inlinable
  public init(_ range: PageRange, actions: AlertActions, region: RegionID) {
    self.range = range
    self.actions = actions
    self.region = region
  }
}
