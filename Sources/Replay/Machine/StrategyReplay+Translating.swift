import Addresses
import EPT
import Execution
import GuestIntegrity
import Recordings

extension StrategyReplay {
  /// Translates the accesses of a run that missed the first-level TLB, one by one until a translation of its page is cached.
  func translate(run index: Int) throws {
    let run = cursor.block.runs[index]
    position = index
    for access in 0..<run.accesses where try translate(access, ofRun: index, run) { return }
  }

  /// Translates one access; true if the page's translation is cached now.
  private func translate(_ access: Int, ofRun index: Int, _ run: Run) throws -> Bool {
    let key = TranslationKey.key(of: cursor.keys[index])
    if isCached(key, on: run.vcpu) { return true }
    var access = RecordedAccess(number: access, index: index, run: run)
    guard let outcome = try walk(for: &access, key) else { return access.isCached }
    switch try execute(&access, after: outcome) {
    case .made: return access.isCached
    case .completed, .blocked: return false
    case .ended(let outcome): throw unexpected("a store ends in \(outcome)", of: run)
    case .stopped: throw unexpected("a store makes no progress", of: run)
    }
  }

  private func unexpected(_ what: String, of run: Run) -> ReplayError {
    ReplayError(
      "page \(hex(run.page.rawValue)): \(what), expected a translation or a violation; report this with the "
        + "trace")
  }

  /// An access as the processor makes it; its place in the page matters to sub-page permissions only.
  func request(_ access: Int, ofRun index: Int, _ run: Run) throws -> GuestAccess {
    guard asksSubPages, hypervisor.hasSubPagePermissions(run.page) else {
      return GuestAccess(run.page.address, .dataWrite)
    }
    let accesses = try cursor.accesses(ofRun: index)
    let isCrossing = run.isContinuation || access == run.accesses - 1 && cursor.endsInCrossing(index)
    return GuestAccess(
      accesses.address(access), isCrossing ? [.dataWrite, .noSubPage] : .dataWrite,
      byteCount: UInt16(accesses[access].size))
  }

  /// Whether a TLB of the vCPU holds the page under the active table set, or in two dimensions its whole region; a second-level
  /// hit fills the first level.
  func isCached(_ page: UInt32, on vcpu: Int) -> Bool {
    let key = page | fast[vcpu].tag
    if caches[vcpu].l1.hit(key) { return true }
    guard dimensions == .two, !LinearKey.isWhole(key) else { return isInSecondLevel(key, on: vcpu) }
    let whole = LinearKey.whole(key)
    return caches[vcpu].l1.hit(whole) || isInSecondLevel(key, on: vcpu) || isInSecondLevel(whole, on: vcpu)
  }

  private func isInSecondLevel(_ key: UInt32, on vcpu: Int) -> Bool {
    guard caches[vcpu].stlb.hit(key) else { return false }
    translations.stlbHits += 1
    caches[vcpu].l1.insert(key)
    return true
  }

  /// Caches what a walk has found: the page, or its whole region.
  func cache(_ page: UInt32, isWhole: Bool, on vcpu: Int) {
    let key = (isWhole && !LinearKey.isWhole(page) ? LinearKey.whole(page) : page) | fast[vcpu].tag
    caches[vcpu].stlb.insert(key)
    caches[vcpu].l1.insert(key)
  }

  /// A walk as it ended, what it read, whether it asked the sub-page permission tables, and whether its translation is that of a
  /// whole region: in two dimensions, where the leaves of both have 2 MiB or more.
  struct Walk {
    let outcome: TranslationOutcome
    let cost: WalkCost
    let asksSubPages: Bool
    var isWhole = false
  }

  /// Walks for an access, in both dimensions if there are two; what the processor has logged is remembered.
  func walk(_ request: GuestAccess, ofRun index: Int, _ access: Int, on vcpu: Int) throws -> Walk {
    let before = machines[vcpu].fields.pmlIndex
    var walk: Walk
    if dimensions == .one {
      walk = walkEPT(request, on: vcpu)
    } else if let nested = walkGuest(request, ofRun: index, on: vcpu) {
      walk = nested
    } else {
      hypervisor.processors.counts[vcpu][.unmappedWalks] += 1
      var request = request
      request.gla = GuestLinearAddress(cursor.block.linearPages[index] << 12 | request.gpa.pageOffset)
      walk = walkEPT(request, on: vcpu)
    }
    translations.add(walk.cost)
    if walk.asksSubPages { hypervisor.processors.counts[vcpu][.sppLookups] += 1 }
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
