import Addresses
import EPT
import EPTTables
import Execution
import GuestIntegrity
import Recordings

extension StrategyReplay {
  /// Translates the accesses of a word that missed the first-level TLB, one by one until a translation of its page is cached.
  func translate(_ word: Int, of stretch: Stretch) throws {
    guard let index = stretch.run(at: word) else { return try translateEntry(word, of: stretch) }
    let run = cursor.runs[index]
    position = index
    for number in 0..<run.accesses {
      var access = RecordedAccess(number: number, index: index, run: run, in: cursor)
      if try translate(&access) { return }
    }
  }

  private func translateEntry(_ word: Int, of stretch: Stretch) throws {
    let (kind, number) = stretch.access(at: word)
    let entry = kind == .load ? cursor.block.loads[number] : cursor.block.fetches[number]
    position = Int(entry.beforeRun)
    let tag = fast[entry.run.vcpu].tag
    // Ended integrity mode has put another table set in force.
    defer { if fast[entry.run.vcpu].tag != tag { invalidations.pointee += 1 } }
    for number in 0..<entry.run.accesses {
      var access = RecordedAccess(kind, entry, number: number, key: TranslationKey.key(of: stretch.words[word]))
      if try translate(&access) { return }
    }
  }

  /// Translates one access; true if the page's translation is cached now.
  private func translate(_ access: inout RecordedAccess) throws -> Bool {
    let run = access.run
    if isCached(access.key, access.kind, on: run.vcpu) { return true }
    guard let outcome = try walk(for: &access) else { return access.isCached }
    switch try execute(&access, after: outcome) {
    case .made: return access.isCached
    case .completed, .blocked: return false
    // Where the EPT refuses a load or fetch for good, the recorded guest went on.
    case .ended(.violation) where access.kind != .store: return false
    case .ended(let outcome): throw unexpected("a \(access.kind) ends in \(outcome)", of: run)
    case .stopped: throw unexpected("a \(access.kind) makes no progress", of: run)
    }
  }

  private func unexpected(_ what: String, of run: Run) -> ReplayError {
    ReplayError(
      "page \(hex(run.page.rawValue)): \(what), expected a translation or a violation; report this with the "
        + "trace")
  }

  /// An access as the processor makes it; its place in the page matters to sub-page permissions only. Those of another page may
  /// be asked where the guest's tables, as far as they are recorded, lead elsewhere.
  func request(of access: RecordedAccess) throws -> GuestAccess {
    let run = access.run
    guard asksSubPages, access.kind == .store, dimensions == .two || hypervisor.hasSubPagePermissions(run.page) else {
      return GuestAccess(run.page.address, access.kind.access)
    }
    let accesses = try cursor.accesses(ofRun: access.index)
    let isCrossing = run.isContinuation || access.number == run.accesses - 1 && cursor.endsInCrossing(access.index)
    return GuestAccess(
      accesses.address(access.number), isCrossing ? [.dataWrite, .noSubPage] : .dataWrite,
      byteCount: UInt16(accesses[access.number].size))
  }

  /// Whether a TLB of the vCPU holds the page under the active table set, or in two dimensions its whole region, with the right to
  /// such an access; a second-level hit fills the first level.
  func isCached(_ page: UInt32, _ kind: RecordedAccessKind, on vcpu: Int) -> Bool {
    let key = page | fast[vcpu].tag
    let first = caches[vcpu].first(of: kind)
    if first.hit(key) { return true }
    guard dimensions == .two, !LinearKey.isWhole(key) else { return isInSecondLevel(key, kind, on: vcpu) }
    let whole = LinearKey.whole(key)
    return first.hit(whole) || isInSecondLevel(key, kind, on: vcpu) || isInSecondLevel(whole, kind, on: vcpu)
  }

  private func isInSecondLevel(_ key: UInt32, _ kind: RecordedAccessKind, on vcpu: Int) -> Bool {
    guard caches[vcpu].stlb.hit(key), rights?[vcpu].permits(kind, key) != false else { return false }
    translations.stlbHits += 1
    caches[vcpu].first(of: kind).insert(key)
    return true
  }

  /// Caches what a walk for an access has found: the page, or its whole region. A translation that denied this access goes.
  func cache(_ walk: Walk, for access: RecordedAccess) {
    let (vcpu, page) = (access.run.vcpu, access.key)
    let key = (walk.isWhole && !LinearKey.isWhole(page) ? LinearKey.whole(page) : page) | fast[vcpu].tag
    let first = caches[vcpu].first(of: access.kind)
    guard rights != nil else {
      caches[vcpu].stlb.insert(key)
      return first.insert(key)
    }
    _ = caches[vcpu].stlb.touch(key)
    _ = first.touch(key)
    let marksDirty = machines[vcpu].eptp.enablesAccessedDirty
    rights?[vcpu].note(key, denies: walk.denied(to: access.kind, marksDirty: marksDirty))
  }

  /// A walk as it ended, what it read, whether it asked the sub-page permission tables, and whether its translation is that of a
  /// whole region: in two dimensions, where the leaves of both have 2 MiB or more.
  struct Walk {
    let outcome: TranslationOutcome
    let cost: WalkCost
    let asksSubPages: Bool
    var isWhole = false
    /// What the guest's entries deny, of a walk in both dimensions.
    var denied: CachedRights.Denied = []

    /// What a translation of this walk denies, if it is cached for an access of this kind: what EPT or guest deny, and a store where
    /// the dirty flag that it would set is clear.
    func denied(to kind: RecordedAccessKind, marksDirty: Bool) -> CachedRights.Denied {
      guard case .translated(let translation) = outcome else { return [] }
      var denied = denied
      let isClean = marksDirty && translation.walk.entry.rawValue & LeafBits.dirty.rawValue == 0
      if isClean || !translation.rights.contains(.write) { denied.insert(.stores) }
      if !translation.rights.contains(.execute) { denied.insert(.fetches) }
      switch kind {
      case .store: denied.remove(.stores)
      case .load: break
      case .fetch: denied.remove(.fetches)
      }
      return denied
    }
  }

  /// Walks for an access, in both dimensions if there are two; what the processor has logged is remembered.
  func walk(_ request: GuestAccess, for access: RecordedAccess) throws -> Walk {
    let vcpu = access.run.vcpu
    let before = machines[vcpu].fields.pmlIndex
    var walk: Walk
    if dimensions == .one {
      walk = walkEPT(request, on: vcpu)
    } else if pages(vcpu), let nested = walkGuest(request, for: access) {
      walk = nested
    } else {
      if machines[vcpu].guest.paging { hypervisor.processors.counts[vcpu][.unmappedWalks] += 1 }
      var request = request
      request.gla = GuestLinearAddress(cursor.linearPage(of: access) << 12 | request.gpa.pageOffset)
      walk = walkEPT(request, on: vcpu)
    }
    dropTranslation(of: access.key, after: walk.outcome, on: vcpu)
    translations.add(walk.cost)
    if walk.asksSubPages { hypervisor.processors.counts[vcpu][.sppLookups] += 1 }
    let logged = Int(before &- machines[vcpu].fields.pmlIndex)
    if logged > 0 { try log(logged, for: access, walk.cost) }
    return walk
  }

  /// Drops what is cached of a page whose translation was refused. Of a recording of stores alone nothing is: the store would have
  /// hit, and only translations that permit a store are cached. So too where no TLB was asked: what permits a store would have
  /// been used.
  func dropTranslation(of page: UInt32, after outcome: TranslationOutcome, isAsked: Bool = true, on vcpu: Int) {
    guard rights != nil, let isWatched = outcome.dropsWatched else { return }
    let key = page | fast[vcpu].tag
    let isRegionToo = dimensions == .two && !LinearKey.isWhole(key)
    var hadAny = false
    for key in isRegionToo ? [key, LinearKey.whole(key)] : [key] {
      guard isAsked || rights?[vcpu].permits(.store, key) == false else { continue }
      if caches[vcpu].drop(key) { hadAny = true }
    }
    guard hadAny else { return }
    // The filter leaves out nothing of a watched page.
    if !isWatched { invalidations.pointee += 1 }
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

extension TranslationOutcome {
  /// Of an outcome that invalidates what would translate the linear address (SDM vol. 3C, "Guidelines for Use of the INVEPT
  /// Instruction"): whether its page is one that the EPT watches. Nil of any other.
  fileprivate var dropsWatched: Bool? {
    switch self {
    case .violation(let violation), .virtualizationException(let violation):
      violation.access.kind.isDisjoint(with: [.pagingStructure, .fetch])
    case .pageFault: false
    case .translated, .misconfiguration, .sppEvent, .pmlFull, .notCanonical: nil
    }
  }
}
