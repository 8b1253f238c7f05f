import Addresses
import EPTTables

/// What lies where in host memory: the guest's memory at 0, then what the hypervisor keeps for itself.
struct HostLayout {
  /// Tables of the normal and the integrity set.
  let tables: PageRun
  /// Tables of the open view.
  let openView: PageRun
  /// Sub-page permission tables, the EPTP list, page-modification logs and exception areas.
  let auxiliary: PageRun
  /// The first byte that nothing is planned for.
  let end: UInt64

  struct PageRun {
    var first: HostPhysicalAddress
    var count: Int
    var end: HostPhysicalAddress { HostPhysicalAddress(first.rawValue + UInt64(count) << 12) }
  }

  init(guestPages: UInt64) {
    let needed = TableSets.tablesNeeded(pageCount: guestPages)
    tables = PageRun(first: HostPhysicalAddress(guestPages << 12), count: needed)
    openView = PageRun(first: tables.end, count: needed / 2)
    auxiliary = PageRun(first: openView.end, count: needed / 2 + 1 + 2 * Self.maximumVCPUs)
    end = auxiliary.end.rawValue
  }

  static let maximumVCPUs = 256
}

extension FramePool {
  /// A pool of a run of host pages.
  init(_ run: HostLayout.PageRun) { self.init(first: run.first, count: run.count) }
}
