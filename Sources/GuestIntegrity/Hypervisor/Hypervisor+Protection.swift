import Addresses
import EPTTables
import MonitorTree

extension Hypervisor {
  /// GI_PROTECT: traced in both sets first, then in the tree, then reported.
  func protect(_ call: Hypercall, on vcpu: Int) throws(HypercallError) {
    let range = try regionRange(call)
    let actions = try actions(call)
    let region = try region(call)
    guard let region else { throw .invalidRegion }
    guard !base.reference.isNull else { throw .noTree }
    try trace(.add(.protection), range, on: vcpu)
    do throws(TreeError) {
      _ = try changeTree(on: vcpu) { (writer, store) throws(TreeError) in
        try writer.insert(range, actions: actions, region: region, through: &store)
      }
    } catch {
      dropUnclaimed(range, on: vcpu)
      merge(range, on: vcpu)
      throw HypercallError(error)
    }
    if configuration.criticalRegions.contains(region) { keepPromoted(range, on: vcpu) }
    try refreshSubPages(range, on: vcpu)
  }

  /// GI_UNPROTECT: out of the tree first; traces that nothing in the tree needs any more are dropped last.
  func unprotect(_ call: Hypercall, on vcpu: Int) throws(HypercallError) {
    let range = try regionRange(call)
    let region = try region(call)
    let change = try orHypercallError { () throws(TreeError) -> TreeWriter.Change in
      try changeTree(on: vcpu) { (writer, store) throws(TreeError) in
        try writer.remove(range, region: region, through: &store)
      }
    }
    guard change.pages > 0 else { throw .notProtected }
    dropUnclaimed(range, on: vcpu)
    try refreshSubPages(range, on: vcpu)
    merge(range, on: vcpu)
  }

  /// GI_SET_ACTION: replaces the actions of claims.
  func setAction(_ call: Hypercall, on vcpu: Int) throws(HypercallError) {
    let range = try regionRange(call)
    let actions = try actions(call)
    let region = try region(call)
    guard isClaimed(range, by: region) else { throw .notProtected }
    _ = try orHypercallError { () throws(TreeError) -> TreeWriter.Change in
      try changeTree(on: vcpu) { (writer, store) throws(TreeError) in
        try writer.setActions(range, actions: actions, region: region, through: &store)
      }
    }
  }

  /// GI_DONATE_NODE: traced first, then zeroed, then usable; the first donation makes the tree.
  func donate(_ call: Hypercall, on vcpu: Int) throws(HypercallError) {
    let range = try plainRange(call)
    if let registration = monitor.registration, registration.code.overlaps(range) || registration.data.overlaps(range) {
      throw .overlapsGuestIntegrity
    }
    // The tree's pages are traced as the driver's own, so that no list of them is looked through.
    let clients = monitor.tracing.clients(in: range)
    guard !clients.contains(.ownPages) else { throw .overlapsTree }
    guard !clients.contains(.protection) else { throw .overlapsProtected }
    try bringHome(range, on: vcpu)
    try trace(.add(.ownPages), range, on: vcpu)
    let actions = configuration.slabActions
    let isFirst = base.reference.isNull
    do throws(TreeError) {
      try changeTree(on: vcpu) { (writer, store) throws(TreeError) in
        if isFirst {
          try store.zero(range)
          try writer.create(slab: range, actions: actions, through: &store)
        } else {
          try writer.donate(range, actions: actions, through: &store)
        }
      }
    } catch {
      try? trace(.drop(.ownPages), range, on: vcpu)
      throw HypercallError(error)
    }
    monitor.registration?.slabs.append(range)
  }

  /// GI_SHUTDOWN: nothing is monitored any more; not to be started again before the next boot.
  func shutdown(on vcpu: Int) throws(HypercallError) {
    guard configuration.allowsShutdown else { throw .shutdownNotAllowed }
    for other in monitor.vcpus.indices where monitor.vcpus[other].mode == .integrity { returnToNormal(other) }
    base.publish(NodeReference(rawValue: 0))
    if let all = PageRange(first: GuestPageNumber(0), count: UInt64(monitor.memory.pageCount)) {
      forgetPromoted(all, on: vcpu)
      try trace(.drop(.guestIntegrity), all, on: vcpu)
    }
    fillEPTPList(false)
    if let code = monitor.registration?.code { try setExecution(of: code, false, on: vcpu) }
    monitor.registration = nil
    monitor.isShutDown = true
  }
}

// MARK: - Arguments

extension Hypervisor {
  /// RDI first page, RSI pages, in guest memory.
  private func plainRange(_ call: Hypercall) throws(HypercallError) -> PageRange {
    guard let range = PageRange(first: GuestPageNumber(call.rdi), count: call.rsi) else { throw .invalidRange }
    guard monitor.memory.contains(range) else { throw .outsideGuestMemory }
    return range
  }

  /// A range that regions may claim: neither the driver's own pages nor the tree's.
  private func regionRange(_ call: Hypercall) throws(HypercallError) -> PageRange {
    let range = try plainRange(call)
    guard let registration = monitor.registration else { throw .notInitialised }
    guard !registration.code.overlaps(range), !registration.data.overlaps(range) else { throw .overlapsGuestIntegrity }
    guard !monitor.tracing.clients(in: range).contains(.ownPages) else { throw .overlapsTree }
    return range
  }

  /// RDX as alert actions.
  private func actions(_ call: Hypercall) throws(HypercallError) -> AlertActions {
    guard call.rdx <= 0x1ff else { throw .reservedActions }
    return AlertActions(rawValue: UInt16(call.rdx))
  }

  /// R10 as a region; nil for 0.
  private func region(_ call: Hypercall) throws(HypercallError) -> RegionID? {
    guard call.r10 <= 0xffff else { throw .invalidRegion }
    return call.r10 == 0 ? nil : RegionID(UInt16(call.r10))
  }
}

// MARK: - Tree and traces

extension Hypervisor {
  /// Lets the driver change the tree by stores of its own, on its vCPU, through the set active there.
  private func changeTree<Result>(
    on vcpu: Int, _ body: (TreeWriter, inout DriverStore) throws(TreeError) -> Result
  ) throws(TreeError) -> Result {
    var store = DriverStore(
      memory: memory, pointer: eptp(of: activeSet(of: vcpu)), tracing: monitor.tracing, tree: monitor.tree)
    defer {
      processors.driverStores(
        store.stores, refused: store.refused, nodesVisited: store.nodesVisited, on: vcpu)
      monitor.counters[.ownWrites] += UInt64(store.refused)
    }
    return try body(writer, &store)
  }

  private func orHypercallError<Result>(
    _ body: () throws(TreeError) -> Result
  ) throws(HypercallError) -> Result {
    do throws(TreeError) { return try body() } catch { throw HypercallError(error) }
  }

  private func isClaimed(_ range: PageRange, by region: RegionID?) -> Bool {
    var found = false
    monitor.tree.forEach(in: range) { answer in
      guard !found, case .protected(let segment) = answer else { return }
      guard let region else {
        found = true
        return
      }
      monitor.tree.forEachClaim(on: segment.range.first) { if $0.region == region { found = true } }
    }
    return found
  }

  /// Drops the traces of pages that no region claims.
  private func dropUnclaimed(_ range: PageRange, on vcpu: Int) {
    var next = range.first.rawValue
    var gaps: [PageRange] = []
    func close(upTo end: UInt64) {
      if end > next, let gap = PageRange(first: GuestPageNumber(next), count: end - next) { gaps.append(gap) }
    }
    monitor.tree.forEach(in: range) { answer in
      switch answer {
      case .protected(let segment):
        close(upTo: segment.range.first.rawValue)
        next = max(next, segment.range.last.rawValue + 1)
      // Nothing is known beyond a corrupt node: what is traced stays so.
      case .corrupt: next = range.last.rawValue + 1
      case .treePage, .notMine: break
      }
    }
    close(upTo: range.last.rawValue + 1)
    for gap in gaps {
      forgetPromoted(gap, on: vcpu)
      try? trace(.drop(.protection), gap, on: vcpu)
    }
  }

  private func merge(_ range: PageRange, on vcpu: Int) {
    settling(from: vcpu) { monitor.tracing.tables.merge(range, owing: &$0) }
  }
}

extension HypercallError {
  /// The code for a change of the tree that was refused.
  init(_ error: TreeError) {
    self =
      switch error {
      case .outsideGuestMemory: .outsideGuestMemory
      case .overlapsTree: .overlapsTree
      case .overlapsProtected: .overlapsProtected
      case .invalidActions: .reservedActions
      case .invalidRegion: .invalidRegion
      case .tooManyOwners: .tooManyOwners
      case .outOfPages, .tooDeep: .outOfNodePages
      case .noTree, .treeExists: .noTree
      case .unsorted: .invalidRange
      case .corrupt, .storeRefused, .publicationRefused: .corruptTree
      }
  }
}
