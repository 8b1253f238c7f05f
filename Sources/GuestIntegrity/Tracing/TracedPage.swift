/// A traced page as one table set is to show it.
public struct TracedPage: Hashable, Sendable {
  /// Who traces it.
  public var clients: ClientSet
  /// Of them, those that want writes seen through this set: not the driver's own pages, where the driver may write them.
  public var watching: ClientSet

  /// A page by its clients.
  public init(clients: ClientSet, watching: ClientSet) {
    self.clients = clients
    self.watching = watching
  }
}
