import EPT
import GuestIntegrity

/// How often an access is tried: one that is refused again and again makes no progress on hardware either. A walk in both
/// dimensions can be held up by five flags, and by a full log at each.
@usableFromInline let attemptLimit = 16

extension Executor {
  /// Has an access made, and does what its outcomes call for on the way.
  @inlinable
  package func execute(_ access: inout Access) throws(Failure) -> Ending {
    guard hypervisor.machine.run == .running else { return .stopped }
    guard let outcome = try attempt(&access, isRepeated: false) else { return .made }
    return try execute(&access, after: outcome)
  }

  /// The same, of an access whose first attempt has come to this.
  ///
  /// - Parameter completer: who makes it on behalf of a store that has been judged; nil for the guest's own instruction.
  @inlinable
  package func execute(
    _ access: inout Access, after outcome: TranslationOutcome, completedBy completer: Completer? = nil
  ) throws(Failure) -> Ending {
    var outcome = outcome
    var hasMetStale = false
    for _ in 1..<attemptLimit {
      if let ending = try settle(outcome, of: &access, completer == .hypervisor, &hasMetStale) { return ending }
      guard completer != nil || hypervisor.machine.run == .running else { return .stopped }
      guard let next = try attempt(&access, isRepeated: true) else { return .made }
      outcome = next
    }
    return .stopped
  }

  /// Does what an outcome calls for; nil if the access is to be tried again.
  @inlinable
  func settle(
    _ outcome: TranslationOutcome, of access: inout Access, _ isCompleting: Bool, _ hasMetStale: inout Bool
  ) throws(Failure) -> Ending? {
    let vcpu = vcpu(of: access)
    switch outcome {
    case .translated: return .made
    case .misconfiguration, .pageFault, .notCanonical: return .ended(outcome)
    case .sppEvent:
      hypervisor.processors.exit(.subPage, on: vcpu)
      return .ended(outcome)
    case .pmlFull:
      if !isCompleting { hypervisor.processors.exit(.modificationLogFull, on: vcpu) }
      let now = try time(of: access)
      hypervisor.drainModificationLog(of: vcpu, time: now)
      haveDrained(on: vcpu, at: now)
      return nil
    case .violation(let violation):
      if !isCompleting { hypervisor.processors.exit(.eptViolation, on: vcpu) }
      return try settle(violation, isCompleting ? .completion : .exit, of: &access, &hasMetStale)
    case .virtualizationException(let violation):
      hypervisor.processors.virtualizationException(on: vcpu)
      defer { acknowledgeException(on: vcpu) }
      return try settle(violation, .virtualizationException, of: &access, &hasMetStale)
    }
  }

  @inlinable
  func settle(
    _ violation: EPTViolation, _ delivery: Delivery, of access: inout Access, _ hasMetStale: inout Bool
  ) throws(Failure) -> Ending? {
    let kind = violation.access.kind
    let vcpu = vcpu(of: access)
    if kind.contains(.fetch) {
      // Foreign code with the integrity set or the open view in force: that is taken away, and the fetch tried again.
      guard hypervisor.activeSet(of: vcpu) != .normal else { return .ended(.violation(violation)) }
      hypervisor.integrityFault(
        .foreignFetch, on: vcpu, address: violation.gpa, rip: instruction(of: access)?.rip, time: try time(of: access))
      return nil
    }
    guard kind.contains(.write) else { return .ended(.violation(violation)) }
    if kind.contains(.pagingStructure) { return try judgeUpdate(violation, delivery, of: access) }
    guard let store = try store(of: &access, refusedBy: violation, delivery) else {
      return .blocked(faultInjected: false)
    }
    return try judge(store, violation, delivery, of: access, &hasMetStale)
  }

  /// Has a refused store judged, and completed as the mechanism does if it is to be performed.
  @inlinable
  func judge(
    _ store: Store, _ violation: EPTViolation, _ delivery: Delivery, of access: Access, _ hasMetStale: inout Bool
  ) throws(Failure) -> Ending? {
    let mechanism = hypervisor.configuration.mechanism
    var hand = CompletingHand(self, access, store)
    mechanism.noticing.deliver(by: &hand)
    let asking = hand.takeActs()
    let verdict = judge(store, refusedBy: violation, fetchedFrom: instruction(of: access)?.address)
    hypervisor.processors.treeNodesVisited(verdict.nodesVisited, on: store.vcpu)
    // Nobody wants it seen: what refused it was cached and is not valid any more, and the violation has dropped it.
    if case .notMine = verdict.finding, verdict.otherClients.isEmpty, !hasMetStale {
      hasMetStale = true
      return nil
    }
    if verdict.isCompleted { mechanism.completion.complete(by: &hand) }
    try hand.check()
    try haveJudged(
      JudgedStore(
        store: store, violation: violation, verdict: verdict, delivery: delivery, asking: asking,
        completion: hand.takeActs(), isPerformed: hand.isPerformed),
      of: access)
    guard verdict.isCompleted else { return .blocked(faultInjected: verdict.effect.contains(.faultInjected)) }
    return hand.isPerformed ? .completed : .stopped
  }

  /// The EPT refused the walker an update of accessed and dirty flags: a store of the processor's own to a page of the
  /// guest's tables, judged as any store. Once it is completed, the access starts over.
  @inlinable
  func judgeUpdate(
    _ violation: EPTViolation, _ delivery: Delivery, of access: Access
  ) throws(Failure) -> Ending? {
    let mechanism = hypervisor.configuration.mechanism
    let store = update(of: access, refusedBy: violation)
    var hand = CompletingHand(self, access, store)
    mechanism.noticing.deliver(by: &hand)
    let asking = hand.takeActs()
    let verdict = judge(store, refusedBy: violation, fetchedFrom: nil)
    hypervisor.processors.treeNodesVisited(verdict.nodesVisited, on: store.vcpu)
    var isPerformed = false
    if verdict.isCompleted {
      isPerformed = setFlag(of: access, refusedBy: violation)
      mechanism.completion.completeUpdate(by: &hand)
    }
    try haveJudged(
      JudgedStore(
        store: store, violation: violation, verdict: verdict, delivery: delivery, asking: asking,
        completion: hand.takeActs(), isPerformed: isPerformed),
      of: access)
    return isPerformed ? nil : .blocked(faultInjected: false)
  }
}
