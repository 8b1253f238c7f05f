import Addresses

extension EPTMachine {
  /// The VPID in force: 0 while "enable VPID" is 0.
  @usableFromInline var vpid: UInt16 { controls.has(.enableVPID) ? fields.vpid : 0 }

  /// The context that combined mappings are made and used in now.
  @usableFromInline var combinedContext: CombinedContext {
    CombinedContext(vpid: vpid, pcid: guest.pcid, tag: eptp.tag)
  }

  /// A walk that uses the guest-physical caches: a cached translation unless the access must set a flag that it lacks, else a walk from
  /// the deepest cached paging-structure entry.
  @usableFromInline @inline(never)
  mutating func cachedWalk<Observer: WalkObserver>(_ access: GuestAccess, _ observer: inout Observer) -> EPTWalk {
    let tag = eptp.tag
    if !regime.isTooWide(access.gpa), let walk = caches.translation(access.gpa, tag),
      regime.missingFlags(walk, access.kind) == 0
    {
      caches.noteUse(access.gpa, walk)
      return walk
    }
    let walk = regime.rules.walk(
      access.gpa, from: caches.start(access.gpa, regime), in: memory, &observer)
    // The upper entries of a walk that met a misconfiguration may be cached; a violation drops them anyway.
    if walk.end == .misconfigured { rememberWalk(access.gpa, walk, translation: nil) }
    return walk
  }

  /// Caches what a permitted access used.
  @usableFromInline @inline(never)
  mutating func rememberPhysical(_ access: GuestAccess, _ walk: EPTWalk) {
    guard isEnabled, !caches.current.isCached else { return }
    var walk = walk
    // The flags have just been set.
    walk.assume(regime.flags(of: access.kind))
    rememberWalk(access.gpa, walk, translation: walk)
  }

  private mutating func rememberWalk(_ gpa: GuestPhysicalAddress, _ walk: EPTWalk, translation: EPTWalk?) {
    guard let path = path(of: gpa, to: walk, from: caches.current.start) else { return }
    caches.insert(gpa, eptp.tag, path: path, translation: translation, flagsDisabled: !regime.hasFlags)
  }

  /// Notes a guest table that the walk under way has reached.
  @usableFromInline @inline(never)
  mutating func noteTable(_ gpa: GuestPhysicalAddress, _ walk: EPTWalk, _ level: Level, _ page: GuestTranslation) {
    var walk = walk
    walk.assume(regime.flags(of: .pagingRead))
    guard level != guest.pagingMode.root else { return }
    let table = GuestPhysicalAddress(gpa.rawValue & ~0xfff)
    caches.noteTable(CombinedStructure(table: table, walk: walk, level: level, page: page))
  }

  /// Where a walk of the guest's tables may begin, by the combined paging-structure caches.
  @usableFromInline @inline(never)
  mutating func combinedStart(_ linear: GuestLinearAddress, _ root: GuestPlace) -> GuestPlace {
    caches.beginTrail()
    var start = root
    if let structure = caches.combinedStructure(linear, combinedContext) {
      start.table = structure.table
      start.level = structure.level
      start.tableWalk = structure.walk
      start.page = structure.page
    }
    return start
  }

  /// Resolves a linear access by a cached combined translation; nil if there is none that can serve it.
  @usableFromInline @inline(never)
  mutating func resolveByCombined<Observer: WalkObserver>(
    _ linear: GuestLinearAddress, _ kind: AccessKind, user: Bool, byteCount: UInt16, _ observer: inout Observer
  ) -> Resolution? {
    guard let mapping = caches.combinedMapping(linear, combinedContext) else { return nil }
    let isDirty = mapping.page.leaf.rawValue & GuestEntry.dirtyBit != 0
    if kind.contains(.write) && !isDirty { return nil }
    let access = GuestAccess(
      mapping.page.gpa, kind.union(mapping.page.accessKind), gla: linear, byteCount: byteCount)
    guard regime.missingFlags(mapping.walk, access.kind) == 0 else { return nil }
    caches.noteUse(mapping.page.gpa, mapping.walk)
    if let code = guest.refusal(kind, user: user, mapping.page) { return .refused(fault(code, linear)) }
    switch check(access, mapping.walk, &observer) {
    case .refused(let outcome): return .refused(outcome)
    case .allowed(let bySubPage):
      return .ready(PendingAccess(access, mapping.walk, bySubPage: bySubPage, page: mapping.page, isCached: true))
    }
  }

  /// Caches the combined mappings of a completed linear access.
  @usableFromInline @inline(never)
  mutating func remember(_ pending: PendingAccess) {
    guard isEnabled, !pending.isCached, let page = pending.page else { return }
    var walk = pending.walk
    walk.assume(regime.flags(of: pending.access.kind))
    let isGlobal = guest.globalPages && page.leaf.rawValue & GuestEntry.globalBit != 0
    caches.insertCombined(
      pending.access.gla, combinedContext, CombinedMapping(page: page, walk: walk), isGlobal: isGlobal,
      flagsDisabled: !regime.hasFlags)
  }

  /// What an EPT violation invalidates (SDM vol. 3C, "Operations That Invalidate Cached Mappings"): guest-physical mappings of the address;
  /// combined ones of the linear address only if the address was its translation.
  @usableFromInline @inline(never)
  mutating func invalidate(afterViolation violation: EPTViolation) {
    drop(.physical(violation.gpa, eptp.tag))
    if violation.qualification.isSuperset(of: [.linearAddressValid, .finalTranslation]) {
      drop(.linear(violation.access.gla, CombinedContexts(combinedContext)))
    }
  }

  /// Hands an outcome on, after what the VM exit invalidates that it may be.
  @inlinable @inline(__always)
  mutating func left(by outcome: TranslationOutcome) -> TranslationOutcome {
    if isCaching && outcome.isExit { passTransition() }
    return outcome
  }

  /// What a VM entry or VM exit invalidates: with VPIDs off, every combined mapping of VPID 0.
  @usableFromInline
  mutating func passTransition() {
    guard isCaching, !controls.has(.enableVPID) else { return }
    drop(.combined(CombinedContexts(vpid: 0), retainingGlobals: false))
  }
}
