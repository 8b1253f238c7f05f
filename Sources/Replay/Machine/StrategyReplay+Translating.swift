import Addresses
import EPT
import GuestIntegrity
import Recordings

extension StrategyReplay {
  /// Translates the accesses of a run that missed the first-level TLB, one by one until a translation of its page is cached.
  func translate(run index: Int) throws {
    let run = cursor.block.runs[index]
    for access in 0..<run.accesses where try translate(access, ofRun: index, run) { return }
  }

  /// Translates one access; true if the page's translation is cached now.
  private func translate(_ access: Int, ofRun index: Int, _ run: Run) throws -> Bool {
    let vcpu = run.vcpu
    let key = TranslationKey.key(of: cursor.keys[index])
    if isCached(key, on: vcpu) { return true }
    let request = try request(access, ofRun: index, run)
    let walk = try self.walk(request, ofRun: index, access, on: vcpu)
    switch walk.outcome {
    case .translated(let translation):
      // Modelled: a permission that sub-pages gave is asked for anew by every store.
      if translation.bySubPage { return false }
      cache(key, on: vcpu)
      return true
    case .violation(let violation):
      hypervisor.processors.exit(.eptViolation, on: vcpu)
      if violation.isWalkerUpdate {
        return try noticeUpdate(access, ofRun: index, violation, .exit, walk.cost)
          && translateAgain(access, ofRun: index, run)
      }
      try notice(access, ofRun: index, violation, .exit, walk.cost)
      return false
    case .virtualizationException(let violation):
      hypervisor.processors.virtualizationException(on: vcpu)
      if violation.isWalkerUpdate {
        let isMade = try noticeUpdate(access, ofRun: index, violation, .virtualizationException, walk.cost)
        machines[vcpu].acknowledgeException()
        return try isMade && translateAgain(access, ofRun: index, run)
      }
      try notice(access, ofRun: index, violation, .virtualizationException, walk.cost)
      machines[vcpu].acknowledgeException()
      return false
    case .pmlFull:
      hypervisor.processors.exit(.modificationLogFull, on: vcpu)
      let now = try cursor.clock(ofRun: index)
      hypervisor.drainModificationLog(of: vcpu, time: now)
      noticeLate(on: vcpu, at: now)
      return try translateAgain(access, ofRun: index, run)
    case .misconfiguration, .sppEvent, .pageFault, .notCanonical:
      throw ReplayError(
        "page 0x\(String(run.page.rawValue, radix: 16)): a store ends in \(walk.outcome), expected a translation or a "
          + "violation; report this with the trace")
    }
  }

  /// The instruction starts over: its log was full and has been emptied, or an update of the walker's has been judged and
  /// completed. Each happens once an entry, so a few times an access at most.
  private func translateAgain(_ access: Int, ofRun index: Int, _ run: Run) throws -> Bool {
    translations.repeated += 1
    return try translate(access, ofRun: index, run)
  }

  /// An access as the processor makes it; its place in the page matters to sub-page permissions only.
  private func request(_ access: Int, ofRun index: Int, _ run: Run) throws -> GuestAccess {
    guard asksSubPages, hypervisor.hasSubPagePermissions(run.page) else {
      return GuestAccess(run.page.address, .dataWrite)
    }
    let accesses = try cursor.accesses(ofRun: index)
    let isCrossing = run.isContinuation || access == run.accesses - 1 && cursor.endsInCrossing(index)
    return GuestAccess(
      accesses.address(access), isCrossing ? [.dataWrite, .noSubPage] : .dataWrite,
      byteCount: UInt16(accesses[access].size))
  }

  /// Makes the first access of a run in the open view, on behalf of a store that has been judged.
  func storeInOpenView(ofRun index: Int, on vcpu: Int) throws {
    let key = TranslationKey.key(of: cursor.keys[index])
    translations.repeated += 1
    if isCached(key, on: vcpu) { return }
    let request = GuestAccess(cursor.block.runs[index].page.address, .dataWrite)
    if case .translated = try walk(request, ofRun: index, 0, on: vcpu).outcome { cache(key, on: vcpu) }
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

  /// A walk as it ended, what it read, and whether it asked the sub-page permission tables.
  struct Walk {
    let outcome: TranslationOutcome
    let cost: WalkCost
    let asksSubPages: Bool
  }

  /// Walks for an access, in both dimensions if there are two; what the processor has logged is remembered.
  private func walk(_ request: GuestAccess, ofRun index: Int, _ access: Int, on vcpu: Int) throws -> Walk {
    let before = machines[vcpu].fields.pmlIndex
    var walk: Walk
    if dimensions == .one {
      walk = walkEPT(request, on: vcpu)
    } else if let nested = walkGuest(request, ofRun: index, on: vcpu) {
      walk = nested
    } else {
      hypervisor.processors.counts[.unmappedWalks] += 1
      var request = request
      request.gla = GuestLinearAddress(cursor.block.linearPages[index] << 12 | request.gpa.pageOffset)
      walk = walkEPT(request, on: vcpu)
    }
    translations.add(walk.cost)
    if walk.asksSubPages { hypervisor.processors.counts[.sppLookups] += 1 }
    let logged = Int(before &- machines[vcpu].fields.pmlIndex)
    if logged > 0 { try log(logged, access, ofRun: index, walk.cost) }
    return walk
  }

  private func walkEPT(_ request: GuestAccess, on vcpu: Int) -> Walk {
    var path = WalkPath()
    let outcome = machines[vcpu].access(request, &path)
    var isTranslated = false
    if case .translated = outcome { isTranslated = true }
    let cost = caches[vcpu].walk.cost(
      of: path, page: UInt32(truncatingIfNeeded: request.gpa.page.rawValue),
      set: TranslationKey.set(of: fast[vcpu].tag), translated: isTranslated)
    if !isTranslated { hypervisor.processors.losses[vcpu].settle() }
    return Walk(outcome: outcome, cost: cost, asksSubPages: path.asksSubPages)
  }
}
