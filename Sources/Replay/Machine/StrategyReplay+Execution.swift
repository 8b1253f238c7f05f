import Addresses
import EPT
import Execution
import GuestIntegrity
import Recordings

/// A store of a recording on its way: an access of a run, or what its completion needs of the page behind.
struct RecordedAccess {
  /// The access, and the run it belongs to.
  let number: Int
  let index: Int
  let run: Run
  /// Of a store that reaches a second page, the run of that page, while its flags are set on the store's behalf.
  var secondPage: Int?
  /// What the last attempt's walk has read.
  var cost = WalkCost()
  /// Whether the translation of its page is cached now.
  var isCached = false
  /// Whether the store reaches the page of the run behind.
  var isCrossing = false
}

/// A recording drives the processors: each access comes from a run, and nothing is left of a completed store but its price.
extension StrategyReplay: Executor {
  func vcpu(of access: RecordedAccess) -> Int { access.run.vcpu }
  func time(of access: RecordedAccess) throws -> UInt64 { try cursor.clock(ofRun: access.index) }
  /// A recording does not tell.
  func instruction(of access: RecordedAccess) -> (rip: GuestLinearAddress, address: GuestPhysicalAddress?)? { nil }

  func attempt(_ access: inout RecordedAccess, isRepeated: Bool) throws -> TranslationOutcome? {
    if access.secondPage != nil { return try setFlags(of: access) }
    if isRepeated { translations.repeated += 1 }
    let key = TranslationKey.key(of: cursor.keys[access.index])
    access.isCached = isCached(key, on: access.run.vcpu)
    if access.isCached { return nil }
    return try walk(for: &access, key)
  }

  /// Walks for an access whose page no TLB holds; what stands in its way, or nil if the walk got there.
  func walk(for access: inout RecordedAccess, _ key: UInt32) throws -> TranslationOutcome? {
    let request = try request(access.number, ofRun: access.index, access.run)
    let walk = try walk(request, ofRun: access.index, access.number, on: access.run.vcpu)
    access.cost = walk.cost
    guard case .translated(let translation) = walk.outcome else { return walk.outcome }
    // Modelled: a permission that sub-pages gave is asked for anew by every store.
    access.isCached = !translation.bySubPage
    if access.isCached { cache(key, isWhole: walk.isWhole, on: access.run.vcpu) }
    return nil
  }

  func store(
    of access: inout RecordedAccess, refusedBy violation: EPTViolation, _ delivery: Delivery
  ) throws -> Store? {
    let accesses = try cursor.accesses(ofRun: access.index)
    var store = Store(
      vcpu: access.run.vcpu, address: accesses.address(access.number), size: accesses[access.number].size)
    // A page-crossing store is judged whole when its first part is refused.
    if access.number == access.run.accesses - 1, cursor.endsInCrossing(access.index) {
      store.size += try cursor.accesses(ofRun: access.index + 1)[0].size
      store.secondPage = cursor.block.runs[access.index + 1].page
      judgedContinuation = access.index + 1
      access.isCrossing = true
      // Its second page is translated first, as the processor would; an update of the walker's may be blocked there.
      guard try mayReachSecondPage(access) else {
        let shape = NotificationShape(
          delivery: delivery, walkReferences: access.cost.references, treeNodes: 0, isAlert: false)
        try time(shape, nil, of: store, access.number, ofRun: access.index)
        tally.addSilent(shape)
        return nil
      }
    }
    if samples.count < Self.sampleLimit { samples.append(RefusedStore(store: store, violation: violation)) }
    return store
  }

  func update(of access: RecordedAccess, refusedBy violation: EPTViolation) -> Store {
    Store(
      vcpu: access.run.vcpu, address: violation.gpa, size: 8, linearAddress: violation.access.gla, origin: .pageWalk)
  }

  /// Timed where a clock may be read.
  func judge(_ store: Store, refusedBy violation: EPTViolation, fetchedFrom: GuestPhysicalAddress?) -> Verdict {
    guard let inPlace else { return hypervisor.handle(store, violation: violation, fetchedFrom: fetchedFrom) }
    return inPlace.time(store) { hypervisor.handle($0, violation: violation, fetchedFrom: fetchedFrom) }
  }

  func acknowledgeException(on vcpu: Int) { machines[vcpu].acknowledgeException() }

  /// A recording has no values.
  func emulate(_ access: RecordedAccess) {}

  func storeInOpenView(_ access: RecordedAccess) throws -> Bool {
    for index in access.index...(access.isCrossing ? access.index + 1 : access.index) {
      let key = TranslationKey.key(of: cursor.keys[index])
      let vcpu = access.run.vcpu
      translations.repeated += 1
      if isCached(key, on: vcpu) { continue }
      let request = GuestAccess(cursor.block.runs[index].page.address, .dataWrite)
      let walk = try walk(request, ofRun: index, 0, on: vcpu)
      if case .translated = walk.outcome { cache(key, isWhole: walk.isWhole, on: vcpu) }
    }
    return true
  }

  func setFlag(of access: RecordedAccess, refusedBy violation: EPTViolation) -> Bool {
    hypervisor.processors.counts[access.run.vcpu][.guestFlagUpdates] += 1
    return machines[access.run.vcpu].emulateFlagUpdate(at: violation.gpa)
  }

  /// Has the flags of a store's second page set, by whoever completes the store whole: as the processor would have set them,
  /// and judged as its own updates would be. No exit, and no translation is cached. False if an update was blocked.
  private func mayReachSecondPage(_ access: RecordedAccess) throws -> Bool {
    var second = access
    (second.secondPage, second.cost) = (access.index + 1, WalkCost())
    guard let outcome = try setFlags(of: second) else { return true }
    guard case .made = try execute(&second, after: outcome, completedBy: .hypervisor) else { return false }
    return true
  }

  /// The walk that sets them, which a log may note; what stands in its way, if that is one of them or a full log.
  private func setFlags(of access: RecordedAccess) throws -> TranslationOutcome? {
    let vcpu = access.run.vcpu
    guard let second = access.secondPage, guest?.roots[vcpu] != nil else { return nil }
    var counter = ReferenceCounter()
    let before = machines[vcpu].fields.pmlIndex
    let outcome = machines[vcpu].access(
      linear: GuestLinearAddress(cursor.block.linearPages[second] << 12), .write, user: false, &counter)
    hypervisor.processors.losses[vcpu].settle()
    hypervisor.processors.counts[vcpu][.guestFlagUpdates] += counter.guestFlagWrites
    let logged = Int(before &- machines[vcpu].fields.pmlIndex)
    if logged > 0 { try log(logged, 0, ofRun: second, WalkCost()) }
    switch outcome {
    case .violation(let violation) where violation.isWalkerUpdate: return outcome
    case .pmlFull: return outcome
    default: return nil
    }
  }

  func haveDrained(on vcpu: Int, at time: UInt64) {
    timeFullLog(at: time, on: vcpu)
    noticeLate(on: vcpu, at: time)
  }
}
