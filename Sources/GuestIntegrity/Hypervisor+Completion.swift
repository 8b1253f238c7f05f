import Addresses
import EPT

extension Hypervisor {
  /// Puts the open view in force on a vCPU for one store: by the hypervisor for a single step, by the driver's handler
  /// for a view switch. Under other mechanisms nothing happens.
  public func openView(on vcpu: Int) {
    guard monitor.vcpus.indices.contains(vcpu), openView != nil else { return }
    switchSet(of: vcpu, to: .open, by: configuration.mechanism.completion == .viewSwitch ? .vmfunc : .vmcsWrite)
  }

  /// Puts the set of the vCPU's mode in force again, after the store; a single step has exited for it.
  public func closeView(on vcpu: Int) {
    guard monitor.vcpus.indices.contains(vcpu), openView != nil else { return }
    let isStep = configuration.mechanism.completion == .singleStep
    if isStep { processors.exit(.monitorTrap, on: vcpu) }
    switchSet(
      of: vcpu, to: configuration.switching.set(in: monitor.vcpus[vcpu].mode), by: isStep ? .vmcsWrite : .vmfunc)
  }

  /// Lets a suspended machine go on; false if it was not suspended, or is powered off.
  public func resume() -> Bool {
    guard monitor.machine.run == .suspended else { return false }
    monitor.machine.run = .running
    return true
  }

  /// Judges what a vCPU's page-modification log holds, in the mode the vCPU has been in since it was last drained, and has
  /// the pages of guest integrity logged anew.
  ///
  /// Hypercalls drain the log by themselves; the caller does so when the log is full, or whenever it likes.
  /// - Returns: a verdict for each page logged, oldest first.
  @discardableResult
  public func drainModificationLog(of vcpu: Int, time: UInt64) -> [Verdict] {
    guard configuration.mechanism.noticing == .modificationLog, monitor.vcpus.indices.contains(vcpu) else { return [] }
    var verdicts: [Verdict] = []
    var debt = InvalidationDebt.none
    for address in processors.takeModificationLog(of: vcpu) {
      let store = Store(vcpu: vcpu, address: address.page.address, size: 0, time: time)
      let verdict = monitor.judge(store, late: true)
      processors.treeNodesVisited(verdict.nodesVisited, on: vcpu)
      processors.judgedLate(verdict, on: vcpu)
      verdicts.append(verdict)
      guard !monitor.tracing.clients(of: address.page).isDisjoint(with: .guestIntegrity) else { continue }
      let change = BitsChange.withdraw(.dirty)
      debt +=
        (try? monitor.tracing.tables.edit(PageRange(page: address.page), normal: change, integrity: change)) ?? .none
    }
    settle(debt, from: vcpu)
    return verdicts
  }

  /// Makes sub-page permissions of pages say which of their bytes the regions that claim them protect.
  func refreshSubPages(_ range: PageRange, on vcpu: Int) throws(HypercallError) {
    guard configuration.mechanism.noticing == .subPagePermissions else { return }
    var debt = InvalidationDebt.none
    do throws(TableError) {
      for number in range.first.rawValue...range.last.rawValue {
        let page = GuestPageNumber(number)
        let vector = monitor.tracing.clients(of: page) == .protection ? writableSubPages(of: page) : 0
        guard vector != fields.subPages.vector(of: page) else { continue }
        let restricts = try fields.setWritableSubPages(vector, of: page)
        let change: BitsChange = vector == 0 ? .withdraw(.subPageWrite) : .grant(.subPageWrite)
        debt += try monitor.tracing.tables.edit(PageRange(page: page), normal: change, integrity: change, small: true)
        if restricts { debt.owe() }
      }
    } catch {
      settle(debt, from: vcpu)
      throw .outOfTablePages
    }
    settle(debt, from: vcpu)
  }

  /// Whether the processor asks sub-page permissions about a store to a page.
  public func hasSubPagePermissions(_ page: GuestPageNumber) -> Bool { fields.subPages.vector(of: page) != 0 }

  /// The sub-pages of a claimed page that hold no byte any of its regions protects; none if a region lists no byte there.
  private func writableSubPages(of page: GuestPageNumber) -> UInt64 {
    var vector: UInt64 = 0x5555_5555_5555_5555
    let isWhole = monitor.tree.forEachClaim(on: page) { claim in
      let bytes = page.address.rawValue..<page.address.rawValue + 0x1000
      let ranges = configuration.regionBytes[claim.region, default: []].filter { $0.overlaps(bytes) }
      guard !ranges.isEmpty else {
        vector = 0
        return
      }
      for range in ranges {
        for subPage in 0..<32 {
          let start = page.address.rawValue + UInt64(subPage) * 128
          if range.lowerBound < start + 128, range.upperBound > start { vector &= ~SubPageTable.allows(subPage) }
        }
      }
    }
    return isWhole ? vector : 0
  }
}
