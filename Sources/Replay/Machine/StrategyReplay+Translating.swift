import Addresses
import EPT
import GuestIntegrity
import WriteTrace

extension StrategyReplay {
  /// Translates the accesses of a run that missed the first-level TLB, one by one until a translation of its page is cached.
  func translate(run index: Int) throws {
    let run = cursor.block.runs[index]
    for access in 0..<run.accesses where try translate(access, ofRun: index, run) { return }
  }

  /// Translates one access; true if the page's translation is cached now.
  private func translate(_ access: Int, ofRun index: Int, _ run: Run) throws -> Bool {
    let vcpu = run.vcpu
    let key = TranslationKey.key(of: run)
    if isCached(key, on: vcpu) { return true }
    let request = try request(access, ofRun: index, run)
    var walk = self.walk(request, key, on: vcpu)
    if case .pmlFull = walk.outcome {
      // The log is emptied, and the instruction started over.
      hypervisor.processors.exit(.modificationLogFull, on: vcpu)
      let now = try cursor.clock(ofRun: index)
      hypervisor.drainModificationLog(of: vcpu, time: now)
      noticeLate(on: vcpu, at: now)
      translations.repeated += 1
      walk = self.walk(request, key, on: vcpu)
    }
    switch walk.outcome {
    case .translated(let translation):
      if walk.hasLogged { try log(access, ofRun: index, walk.cost) }
      // Modelled: a permission that sub-pages gave is asked for anew by every store.
      if translation.bySubPage { return false }
      cache(key, on: vcpu)
      return true
    case .violation(let violation):
      hypervisor.processors.exit(.eptViolation, on: vcpu)
      try notice(access, ofRun: index, violation, .exit, walk.cost)
      return false
    case .virtualizationException(let violation):
      hypervisor.processors.counts[.virtualizationExceptions] += 1
      try notice(access, ofRun: index, violation, .virtualizationException, walk.cost)
      hypervisor.processors.machines[vcpu].acknowledgeException()
      return false
    case .misconfiguration, .sppEvent, .pmlFull, .pageFault, .notCanonical:
      throw ReplayError(
        "page 0x\(String(run.page.rawValue, radix: 16)): a store ends in \(walk.outcome), expected a translation or a "
          + "violation; report this with the trace")
    }
  }

  /// An access as the processor makes it; its place in the page matters to sub-page permissions only.
  private func request(_ access: Int, ofRun index: Int, _ run: Run) throws -> GuestAccess {
    guard mechanism.noticing == .subPagePermissions, hypervisor.hasSubPagePermissions(run.page) else {
      return GuestAccess(run.page.address, .dataWrite)
    }
    let accesses = try cursor.accesses(ofRun: index)
    let isCrossing = run.isContinuation || access == run.accesses - 1 && cursor.endsInCrossing(index)
    return GuestAccess(
      accesses.address(access), isCrossing ? [.dataWrite, .noSubPage] : .dataWrite,
      byteCount: UInt16(accesses[access].size))
  }

  /// Makes an access in the open view, on behalf of a store that has been judged.
  func storeInOpenView(_ page: GuestPageNumber, on vcpu: Int) {
    let key = TranslationKey.key(page: UInt32(truncatingIfNeeded: page.rawValue), set: 0)
    translations.repeated += 1
    if isCached(key, on: vcpu) { return }
    if case .translated = walk(GuestAccess(page.address, .dataWrite), key, on: vcpu).outcome { cache(key, on: vcpu) }
  }

  /// Whether a TLB of the vCPU holds the page under the active table set; a second-level hit fills the first level.
  private func isCached(_ page: UInt32, on vcpu: Int) -> Bool {
    let key = page | fast[vcpu].tag
    let caches = caches[vcpu]
    if caches.l1.hit(key) { return true }
    guard caches.stlb.hit(key) else { return false }
    translations.stlbHits += 1
    caches.l1.insert(key)
    return true
  }

  private func cache(_ page: UInt32, on vcpu: Int) {
    let key = page | fast[vcpu].tag
    caches[vcpu].stlb.insert(key)
    caches[vcpu].l1.insert(key)
  }

  /// A walk as it ended, what it read, and whether the processor logged the page.
  private struct Walk {
    let outcome: TranslationOutcome
    let cost: WalkCost
    let hasLogged: Bool
  }

  private func walk(_ access: GuestAccess, _ page: UInt32, on vcpu: Int) -> Walk {
    var path = WalkPath()
    let index = hypervisor.processors.machines[vcpu].fields.pmlIndex
    let outcome = hypervisor.processors.machines[vcpu].access(access, &path)
    let hasLogged = hypervisor.processors.machines[vcpu].fields.pmlIndex != index
    var isTranslated = false
    if case .translated = outcome { isTranslated = true }
    let cost = caches[vcpu].walk.cost(
      of: path, page: page, set: TranslationKey.set(of: fast[vcpu].tag),
      translated: isTranslated)
    translations.add(cost)
    if path.asksSubPages { hypervisor.processors.counts[.sppLookups] += 1 }
    if hasLogged { hypervisor.processors.counts[.pmlEntries] += 1 }
    return Walk(outcome: outcome, cost: cost, hasLogged: hasLogged)
  }
}
