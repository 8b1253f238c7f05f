import Addresses
import EPT
import Execution
import GuestIntegrity
import MonitorTree
import Recordings

extension StrategyReplay {
  /// Keeps what came of a store that the EPT refused.
  func haveJudged(_ judged: JudgedStore, of access: RecordedAccess) throws {
    let vcpu = access.run.vcpu
    let shape = NotificationShape(
      delivery: judged.delivery, asking: judged.asking, completion: judged.completion,
      walkReferences: access.cost.references, treeNodes: UInt8(clamping: judged.verdict.nodesVisited),
      isAlert: judged.verdict.isAlert, actions: PricedActions.of(judged.verdict))
    try time(shape, judged.verdict, of: judged.store, by: access)
    let isUpdate = judged.store.origin == .pageWalk
    // The filter takes the page to be cached now, and where a flag stays clear it is not.
    if isUpdate, !judged.isPerformed { invalidations.pointee += 1 }
    guard let kind = judged.verdict.alertedKind else { return tally.addSilent(shape) }
    hypervisor.processors.alerted(shape.actions, on: vcpu)
    tally.charge(shape, to: judged.verdict.region)
    discardAlerts(of: vcpu)
    let number = cursor.storeNumber(of: access)
    try tally.wouldHave.note(judged.verdict, ofStore: number, on: vcpu) { try cursor.clock(of: access) }
    if isUpdate {
      hypervisor.processors.counts[vcpu][.walkerUpdates] += 1
      try list(judged, shape, store: number, kind, touched: nil, of: access)
      return tally.addUpdate(shape, at: judged.violation.gpa, by: number)
    }
    let store = judged.store
    let touched = touched(by: store, crosses: store.secondPage != nil || access.run.isContinuation)
    try list(judged, shape, store: number, kind, touched: touched, of: access)
    tally.add(shape, kind: kind, store: number, at: store.address, bytes: store.size, touched: touched)
  }

  /// What a store touches of what is protected.
  private func touched(by store: Store, crosses: Bool) -> NotificationTally.Touched {
    let first = UInt64(store.bytesOnFirstPage)
    var parts = [(store.address.rawValue, first)]
    if let second = store.secondPage { parts.append((second.address.rawValue, UInt64(store.size) - first)) }
    if parts.contains(where: { protected.touches($0, size: $1) }) { return .bytes }
    return crosses || parts.contains { protected.touchesSubPage($0, size: $1) } ? .subPage : .page
  }

  /// The alerts have been counted; nobody else reads them in a replay, but a thread that tells how long they took to it.
  func discardAlerts(of vcpu: Int) {
    if let inPlaceConsumer { return inPlaceConsumer.awaitRoom(in: hypervisor.alerts(of: vcpu)) }
    while hypervisor.alerts(of: vcpu).next() != nil {}
  }
}

// MARK: - Noticed late

/// A store that the processor has let through and logged.
struct LoggedStore {
  var number: UInt64
  var address: GuestPhysicalAddress
  var size: Int
  /// Instructions its vCPU had retired.
  var clock: UInt64
  var touched: NotificationTally.Touched
  var references: SIMD4<UInt8>
  /// The page of the guest's tables that was logged on the store's behalf, instead of its own.
  var table: GuestPageNumber?
}

extension StrategyReplay {
  /// Remembers the access for which the processor has just logged so many pages: that of a store, and in two dimensions those
  /// of guest entries on the way.
  func log(_ count: Int, for access: RecordedAccess, _ cost: WalkCost) throws {
    let run = access.run
    var store = Store(vcpu: run.vcpu, address: run.page.address, size: 1)
    if access.kind == .store {
      let accesses = try cursor.accesses(ofRun: access.index)
      store.address = accesses.address(access.number)
      store.size = accesses[access.number].size
    }
    let entry = LoggedStore(
      number: cursor.storeNumber(of: access), address: store.address, size: store.size,
      clock: try cursor.clock(of: access), touched: touched(by: store, crosses: false), references: cost.references)
    hypervisor.processors.counts[run.vcpu][.pmlEntries] += UInt64(count)
    for page in hypervisor.processors.latestLogged(count, on: run.vcpu) {
      var entry = entry
      if page != run.page || access.kind != .store { entry.table = page }
      logged[run.vcpu].append(entry)
    }
  }

  /// Keeps what came of a vCPU's log, which has been drained.
  func noticeLate(on vcpu: Int, at time: UInt64) {
    let verdicts = hypervisor.processors.takeDrained(of: vcpu)
    guard !verdicts.isEmpty else { return }
    for (verdict, store) in zip(verdicts, logged[vcpu]) {
      let shape = NotificationShape(
        delivery: .drainedLog, walkReferences: store.references,
        treeNodes: UInt8(clamping: verdict.nodesVisited), isAlert: verdict.isAlert,
        actions: PricedActions.of(verdict, isLate: true))
      if verdict.isAlert { times?.noticedLate(shape) }
      guard let kind = verdict.alertedKind else {
        tally.addSilent(shape)
        continue
      }
      hypervisor.processors.alerted(shape.actions, on: vcpu)
      tally.wouldHave.note(verdict, ofStore: store.number, on: vcpu) { time }
      tally.charge(shape, to: verdict.region)
      listLate(store, verdict, kind, shape, on: vcpu, at: time)
      if let table = store.table {
        hypervisor.processors.counts[vcpu][.walkerUpdates] += 1
        tally.addUpdate(shape, at: table.address, by: store.number)
      } else {
        tally.add(
          shape, kind: kind, store: store.number, at: store.address, bytes: store.size,
          touched: store.touched)
      }
      tally.addLateness(time > store.clock ? time - store.clock : 0)
    }
    logged[vcpu].removeAll(keepingCapacity: true)
    discardAlerts(of: vcpu)
  }
}

extension Verdict {
  /// The protected region that an alert was raised about; nil where it is about guest integrity itself.
  var region: RegionID? {
    if case .alert(.protected, let region, _) = finding { region } else { nil }
  }

  /// The kind of page that an alert was raised about; nil if none was.
  var alertedKind: PageKind? {
    switch finding {
    case .alert(let kind, _, _): kind
    case .corrupt: .tree
    case .notMine, .ownWrite: nil
    }
  }
}

/// A store that the EPT refused, with what the processor says of it.
struct RefusedStore {
  var store: Store
  var violation: EPTViolation
}
