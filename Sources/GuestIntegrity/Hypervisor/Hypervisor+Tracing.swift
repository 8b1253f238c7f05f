import Addresses
import EPTTables

/// Why traces were not changed; everything is as it was.
public enum TraceError: Error, Hashable, Sendable {
  /// The pages do not lie in guest memory.
  case outsideGuestMemory
  /// No page is left for EPT paging structures.
  case outOfTablePages
}

extension Hypervisor {
  /// A new client of the tracing service beside guest integrity, such as dirty logging; nil after six.
  public func addTraceClient() -> TraceClient? { monitor.tracing.addClient() }

  /// Has a client notified of writes to pages: `Verdict.otherClients` names it from now on. Traces are counted.
  public func trace(_ range: PageRange, for client: TraceClient, on vcpu: Int) throws(TraceError) {
    try change(.count(client), range, on: vcpu)
  }

  /// Drops one trace of a client.
  public func untrace(_ range: PageRange, for client: TraceClient, on vcpu: Int) throws(TraceError) {
    try change(.discount(client), range, on: vcpu)
  }

  private func change(_ change: TraceMap.Change, _ range: PageRange, on vcpu: Int) throws(TraceError) {
    guard monitor.memory.contains(range) else { throw .outsideGuestMemory }
    do throws(TableError) {
      try settling(from: vcpu) { (debt: inout InvalidationDebt) throws(TableError) in
        try monitor.tracing.apply(change, to: range, owing: &debt)
      }
    } catch { throw .outOfTablePages }
    // Sub-page permissions let stores pass that another client wants seen. Vectors only shrink or are there already.
    try? refreshSubPages(range, on: vcpu)
  }
}
