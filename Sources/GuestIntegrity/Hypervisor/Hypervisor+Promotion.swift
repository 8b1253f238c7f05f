import Addresses
import EPTTables

extension Hypervisor {
  /// A log has been drained, and held these monitored pages: refuses stores to those written often, and logs those of pages
  /// that have become quiet.
  func promote(after pages: [GuestPageNumber], owing debt: inout InvalidationDebt) {
    guard let change = promoted?.drained(pages) else { return }
    change.promoted.forEach { setPromoted(PageRange(page: $0), true, owing: &debt) }
    change.demoted.forEach { setPromoted(PageRange(page: $0), false, owing: &debt) }
  }

  /// Refuses stores to the pages of a critical region.
  func keepPromoted(_ range: PageRange, on vcpu: Int) {
    guard let pages = promoted?.keep(range), !pages.isEmpty else { return }
    settling(from: vcpu) { debt in pages.forEach { setPromoted($0, true, owing: &debt) } }
  }

  /// Pages that are not monitored any more are not promoted either.
  func forgetPromoted(_ range: PageRange, on vcpu: Int) {
    guard let pages = promoted?.forget(range), !pages.isEmpty else { return }
    settling(from: vcpu) { debt in pages.forEach { setPromoted($0, false, owing: &debt) } }
  }

  private func setPromoted(_ pages: PageRange, _ isPromoted: Bool, owing debt: inout InvalidationDebt) {
    guard let client = promoted?.client else { return }
    let change: TraceMap.Change = isPromoted ? .count(client) : .discount(client)
    // Pages that are logged have leaves of their own: no page for tables is needed, so this cannot fail.
    try? monitor.tracing.apply(change, to: pages, owing: &debt)
  }
}
