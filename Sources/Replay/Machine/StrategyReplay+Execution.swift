import Addresses
import EPT
import Execution
import GuestIntegrity
import Recordings

/// An access of a recording on its way: a store of a run, what its completion needs of the page behind, or a load or fetch.
struct RecordedAccess {
  /// The access, and the run it belongs to; of a load or fetch, the run that follows.
  let number: Int
  let index: Int
  let run: Run
  let kind: RecordedAccessKind
  /// What translation caches know its page by, without the table set.
  let key: UInt32
  /// The entry of a load or fetch.
  let entry: AccessRun?
  /// Of a store that reaches a second page, the run of that page, while its flags are set on the store's behalf.
  var secondPage: Int?
  /// What the last attempt's walk has read.
  var cost = WalkCost()
  /// Whether the translation of its page is cached now.
  var isCached = false
  /// Whether the store reaches the page of the run behind.
  var isCrossing = false

  /// A store of a run.
  init(number: Int, index: Int, run: Run, in cursor: BlockCursor) {
    (self.number, self.index, self.run) = (number, index, run)
    (kind, key, entry) = (.store, TranslationKey.key(of: cursor.keys[index]), nil)
  }

  /// A load or fetch.
  init(_ kind: RecordedAccessKind, _ entry: AccessRun, number: Int, key: UInt32) {
    (self.number, index, run) = (number, Int(entry.beforeRun), entry.run)
    (self.kind, self.key, self.entry) = (kind, key, entry)
  }
}

extension BlockCursor {
  /// The linear page of an access, in two dimensions.
  func linearPage(of access: RecordedAccess) -> UInt64 { access.entry?.linearPage ?? block.linearPages[access.index] }

  /// Instructions that its vCPU had retired at an access, or at the first of its run.
  func clock(of access: RecordedAccess) throws(RecordingError) -> UInt64 {
    if let entry = access.entry { return entry.count }
    return try clock(ofRun: access.index)
  }

  /// The number, in the whole recording, of a store, or of the one behind a load or fetch.
  func storeNumber(of access: RecordedAccess) -> UInt64 {
    access.entry == nil
      ? storeNumber(ofAccess: access.number, inRun: access.index) : storeNumber(beforeRun: access.index)
  }
}

/// A recording drives the processors: each access comes from a run, and nothing is left of a completed store but its price.
extension StrategyReplay: Executor {
  func vcpu(of access: RecordedAccess) -> Int { access.run.vcpu }
  func time(of access: RecordedAccess) throws -> UInt64 { try cursor.clock(of: access) }
  /// A recording does not tell.
  func instruction(of access: RecordedAccess) -> (rip: GuestLinearAddress, address: GuestPhysicalAddress?)? { nil }

  func attempt(_ access: inout RecordedAccess, isRepeated: Bool) throws -> TranslationOutcome? {
    if access.secondPage != nil { return try setFlags(of: access) }
    if isRepeated {
      translations.repeated += 1
      // A fetch that was refused has ended integrity mode, and drained a log.
      if access.kind == .fetch {
        noticeLate(on: access.run.vcpu, at: try time(of: access))
        discardAlerts(of: access.run.vcpu)
      }
    }
    access.isCached = isCached(access.key, access.kind, on: access.run.vcpu)
    if access.isCached { return nil }
    return try walk(for: &access)
  }

  /// Walks for an access whose page no TLB holds; what stands in its way, or nil if the walk got there.
  func walk(for access: inout RecordedAccess) throws -> TranslationOutcome? {
    let request = try request(of: access)
    let walk = try walk(request, for: access)
    access.cost = walk.cost
    guard case .translated(let translation) = walk.outcome else { return walk.outcome }
    // Modelled: a permission that sub-pages gave is asked for anew by every store.
    access.isCached = !translation.bySubPage
    if access.isCached { cache(walk, for: access) }
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
      store.secondPage = cursor.runs[access.index + 1].page
      judgedContinuation = access.index + 1
      access.isCrossing = true
      // Its second page is translated first, as the processor would; an update of the walker's may be blocked there.
      guard try mayReachSecondPage(access) else {
        let shape = NotificationShape(
          delivery: delivery, walkReferences: access.cost.references, treeNodes: 0, isAlert: false)
        try time(shape, nil, of: store, by: access)
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
      let part = RecordedAccess(number: 0, index: index, run: cursor.runs[index], in: cursor)
      translations.repeated += 1
      if isCached(part.key, .store, on: part.run.vcpu) { continue }
      let walk = try walk(GuestAccess(part.run.page.address, .dataWrite), for: part)
      if case .translated = walk.outcome { cache(walk, for: part) }
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
    guard let second = access.secondPage, guest?.roots[vcpu] != nil, pages(vcpu) else { return nil }
    var counter = ReferenceCounter()
    let before = machines[vcpu].fields.pmlIndex
    let outcome = machines[vcpu].access(
      linear: GuestLinearAddress(cursor.block.linearPages[second] << 12), .write, user: false, &counter)
    hypervisor.processors.losses[vcpu].settle()
    hypervisor.processors.counts[vcpu][.guestFlagUpdates] += counter.guestFlagWrites
    let logged = Int(before &- machines[vcpu].fields.pmlIndex)
    if logged > 0 {
      let part = RecordedAccess(number: 0, index: second, run: cursor.runs[second], in: cursor)
      try log(logged, for: part, WalkCost())
    }
    dropTranslation(of: TranslationKey.key(of: cursor.keys[second]), after: outcome, isAsked: false, on: vcpu)
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
