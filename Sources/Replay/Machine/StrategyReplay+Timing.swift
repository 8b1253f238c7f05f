import GuestIntegrity
import MonitorTree

/// Tells the times of notifications what happens when.
extension StrategyReplay {
  /// A refused store has been judged and completed; `verdict` is nil where nobody was asked.
  ///
  /// The recording has the time of a run's first store; each further one retires an instruction at least.
  func time(_ shape: NotificationShape, _ verdict: Verdict?, of store: Store, by access: RecordedAccess) throws {
    guard times != nil else { return }
    let clock = try cursor.clock(of: access) &+ UInt64(access.number)
    let place = ExitPlace(store.vcpu, run: access.index, clock: clock, in: cursor, footprint)
    var lines: [MemoryLine] = []
    if let verdict, verdict.nodesVisited > 0, !shape.isAnsweredOutside {
      lines = hypervisor.tree.linesWaitedFor(lookingUp: store.address.page)
      if let second = store.pageAfter { lines += hypervisor.tree.linesWaitedFor(lookingUp: second) }
    }
    if verdict?.isAlert == true {
      times?.alert(shape, at: place, tree: lines)
    } else {
      times?.refuse(shape, at: place, tree: lines)
    }
  }

  /// A hypercall has been executed, and before it the driver's own stores that were refused.
  func timeHypercall(at clock: UInt64, on vcpu: Int, after ownStores: EventCounts) throws {
    guard let hypercall = times?.price(of: .hypercallExits) else { return }
    if !isArmed {
      isArmed = true
      for other in logged.indices where other != vcpu {
        if let clock = try cursor.clock(of: other, near: position) {
          times?.pass(to: ExitPlace(other, run: position, clock: clock, in: cursor, footprint))
        }
      }
    }
    let kept = price(ofOwnStoresSince: ownStores) + hypercall
    times?.exit(at: ExitPlace(vcpu, run: position, clock: clock, in: cursor, footprint), keeping: kept)
  }

  private func price(ofOwnStoresSince before: EventCounts) -> AtCorners {
    guard let costs = times?.costs, hypervisor.processors.ownStores != before else { return .zero }
    return costs.price(PriceList.price(of: hypervisor.processors.ownStores) - PriceList.price(of: before))
  }

  /// The page-modification log is full.
  func timeFullLog(at clock: UInt64, on vcpu: Int) {
    guard let price = times?.price(of: .pmlFullExits) else { return }
    times?.exit(at: ExitPlace(vcpu, run: position, clock: clock, in: cursor, footprint), keeping: price)
  }

  /// An exit that has nothing to do with the monitor, and is no cost of it: the handler's lines are touched, and a
  /// page-modification log is drained, as KVM does at every exit. True if caches lost entries.
  func exitInBackground(on vcpu: Int, at clock: UInt64) -> Bool {
    guard isArmed else { return false }
    let before = invalidations.pointee
    times?.exit(at: ExitPlace(vcpu, run: position, clock: clock, in: cursor, footprint))
    hypervisor.drainModificationLog(of: vcpu, time: clock)
    noticeLate(on: vcpu, at: clock)
    return invalidations.pointee != before
  }
}

extension BlockCursor {
  /// Instructions that a vCPU had retired by about a run: those at its own run that is nearest; nil if the block has none.
  fileprivate func clock(of vcpu: Int, near position: Int) throws -> UInt64? {
    // Before the first store nobody has retired any that count.
    guard !runs.isEmpty else { return 0 }
    let before = (0..<min(position, runs.count)).last { runs[$0].vcpu == vcpu }
    return try (before ?? (min(position, runs.count)..<runs.count).first { runs[$0].vcpu == vcpu }).map(clock)
  }
}
