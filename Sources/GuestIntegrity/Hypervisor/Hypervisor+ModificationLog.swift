import Addresses
import EPTTables

extension Hypervisor {
  /// Judges what a vCPU's page-modification log holds, in the mode the vCPU has been in since it was last drained, and has
  /// the pages that are to be logged logged anew. Pages that it has held often have their stores refused from now on.
  ///
  /// Hypercalls drain the log by themselves; the caller does so when the log is full, or whenever it likes.
  /// - Returns: a verdict for each page logged, oldest first.
  @discardableResult
  public func drainModificationLog(of vcpu: Int, time: UInt64) -> [Verdict] {
    guard configuration.mechanism.noticing.features.contains(.modificationLog), monitor.vcpus.indices.contains(vcpu)
    else { return [] }
    var verdicts: [Verdict] = []
    var written: [GuestPageNumber] = []
    settling(from: vcpu) { debt in
      for address in processors.takeModificationLog(of: vcpu) {
        let store = Store(vcpu: vcpu, address: address.page.address, size: 0, time: time)
        let verdict = monitor.judge(store, late: true)
        processors.treeNodesVisited(verdict.nodesVisited, on: vcpu)
        processors.judgedLate(verdict, on: vcpu)
        verdicts.append(verdict)
        if case .alert(.protected, _, _) = verdict.finding { written.append(address.page) }
        guard monitor.tracing.isLogged(address.page) else { continue }
        let (page, change) = (PageRange(page: address.page), BitsChange.withdraw(.dirty))
        // Pages that are logged have leaves of their own: no page for tables is needed, so this cannot fail.
        try? monitor.tracing.tables.edit(page, normal: change, integrity: change, owing: &debt)
      }
      promote(after: written, owing: &debt)
    }
    return verdicts
  }
}
