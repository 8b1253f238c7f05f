import Addresses

extension EPTMachine {
  /// The VPID in force: 0 while "enable VPID" is 0.
  @usableFromInline var vpid: UInt16 { controls.has(.enableVPID) ? fields.vpid : 0 }

  /// The context that combined mappings are made and used in now; with EPT off that of linear ones.
  @usableFromInline var combinedContext: CombinedContext {
    CombinedContext(vpid: vpid, pcid: guest.pcid, tag: isEnabled ? eptp.tag : .noHierarchy)
  }

  /// The same, for who looks into the caches.
  package var context: CombinedContext { combinedContext }

  /// A walk that uses the guest-physical caches: a cached translation unless the access must set a flag that it lacks, else a walk from
  /// the deepest cached paging-structure entry.
  @usableFromInline @inline(never)
  mutating func cachedWalk<Observer: WalkObserver>(_ access: GuestAccess, _ observer: inout Observer) -> EPTWalk {
    let tag = eptp.tag
    if !regime.isTooWide(access.gpa), let walk = caches.translation(access.gpa, tag),
      regime.missingFlags(walk, access.kind) == 0
    {
      caches.noteUse(access.gpa, .translation(walk))
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
    if let structure = caches.combinedStructure(linear, combinedContext, guest.pagingMode) {
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
    if kind.contains(.write) && guest.pagingMode != .off && !isDirty { return nil }
    let access = GuestAccess(
      mapping.page.gpa, kind.union(mapping.page.accessKind), gla: linear, byteCount: byteCount)
    // A linear mapping is as large as the guest's page, and what stands for its walk is not.
    let walk = isEnabled ? mapping.walk : .identity(access.gpa)
    guard regime.missingFlags(walk, access.kind) == 0 else { return nil }
    caches.noteUse(mapping.page.gpa, .translation(walk))
    if guest.pagingMode != .off, let code = guest.refusal(kind, user: user, mapping.page) {
      caches.noteDenial(by: mapping.page)
      return .refused(fault(code, linear))
    }
    switch check(access, walk, &observer) {
    case .refused(let outcome): return .refused(outcome)
    case .allowed(let bySubPage):
      return .ready(PendingAccess(access, walk, bySubPage: bySubPage, page: mapping.page, isCached: true))
    }
  }

  /// Resolves a linear access without paging: combined translations are made all the same, from EPT alone, but no combined
  /// paging-structure entries (SDM vol. 3C, "Creating and Using Cached Translation Information").
  @usableFromInline @inline(never)
  mutating func resolveUnpaged<Observer: WalkObserver>(
    _ gpa: GuestPhysicalAddress, _ kind: AccessKind, byteCount: UInt16, _ observer: inout Observer
  ) -> Resolution {
    caches.beginTrail()
    let linear = GuestLinearAddress(gpa.rawValue)
    if let resolution = resolveByCombined(linear, kind, user: false, byteCount: byteCount, &observer) {
      return resolution
    }
    var page = GuestTranslation()
    page.gpa = gpa
    return resolve(
      GuestAccess(gpa, kind.union(.linear), gla: linear, byteCount: byteCount), page: page, &observer)
  }

  /// Caches the combined or linear mappings of a completed linear access.
  @usableFromInline @inline(never)
  mutating func remember(_ pending: PendingAccess) {
    guard !pending.isCached, let page = pending.page else { return }
    var walk = pending.walk
    walk.assume(regime.flags(of: pending.access.kind))
    let isGlobal = guest.globalPages && page.leaf.rawValue & GuestEntry.globalBit != 0
    // Without paging there are no pages but those of EPT.
    let mode = guest.pagingMode
    let pageShift = mode == .off ? walk.level.shift : mode.shift(page.level)
    caches.insertCombined(
      pending.access.gla, combinedContext, CombinedMapping(page: page, pageShift: pageShift, walk: walk), mode,
      isGlobal: isGlobal, flagsDisabled: !regime.hasFlags)
  }

  /// What an EPT violation invalidates: guest-physical mappings of its address, and combined mappings of the linear address that led to it,
  /// be it the final translation or the access to a guest paging-structure entry on the way.
  ///
  /// SDM vol. 3C, "Operations that Invalidate Cached Mappings", names the latter only for an address that is the translation of a linear
  /// address. "Guidelines for Use of the INVEPT Instruction" says what all of it is for: a violation "invalidates any mappings that would be
  /// used by the access that caused" it, so it "will not recur if the original access is performed again". An access whose walk was refused at
  /// a guest's table uses combined paging-structure entries, which hold the rights of that table's page.
  @usableFromInline @inline(never)
  mutating func invalidate(afterViolation violation: EPTViolation) {
    drop(.physical(violation.gpa, eptp.tag))
    guard violation.qualification.contains(.linearAddressValid) else { return }
    let linear = DroppedMappings.linear(violation.access.gla, CombinedContexts(combinedContext))
    drop(linear)
  }

  /// Forgets, in the machine's own caches, what made an access ask for sub-page permissions that there are none of. The manual does not ask for
  /// it; but a write that has become permitted without them, which owes no INVEPT, would be held up for ever.
  @usableFromInline @inline(never)
  mutating func forget(_ access: GuestAccess) {
    caches.drop(.physical(access.gpa, eptp.tag))
    caches.drop(.linear(access.gla, CombinedContexts(combinedContext)))
  }

  /// Drops, after a violation by a linear access, the guest-physical mappings of the guest's tables that the address is translated by, and of
  /// where they lead: when the access is performed again it walks them all, and the violation may not recur at any (SDM vol. 3C,
  /// "Guidelines for Use of the INVEPT Instruction").
  @usableFromInline @inline(never)
  mutating func dropWay(to linear: GuestLinearAddress, after outcome: TranslationOutcome) {
    switch outcome {
    case .violation, .virtualizationException: break
    default: return
    }
    let paging = GuestPaging(guest, capabilities)
    let linear = paging.mode.linear(linear)
    guard paging.mode != .off, var place = paging.root(linear, guest) else { return }
    // A walk that stores nothing, and that only missing pages end.
    var probe = self
    probe.cache = nil
    probe.policies.cache = .none
    probe.controls.set([.eptViolationVE, .enablePML], to: false)
    probe.eptp = EPTPointer(eptp.rawValue & ~(1 << 6))
    var log = ReferenceLog()
    var tables = [place.table.rawValue]
    let end = probe.walkGuest(linear, .read, user: false, from: &place, paging, &log)
    for reference in log.references where reference.kind == .guest {
      tables.append(reference.value & EPTEntry.addressMask)
    }
    if case .page = end { tables[tables.count - 1] = place.page.gpa.rawValue }
    for table in tables { drop(.physical(GuestPhysicalAddress(table), eptp.tag)) }
  }

  /// Hands an outcome on, after what the VM exit invalidates that it may be.
  @inlinable @inline(__always)
  mutating func left(by outcome: TranslationOutcome) -> TranslationOutcome {
    if isCaching && outcome.isExit { passTransition() }
    return outcome
  }

  /// What a VM entry or VM exit invalidates: with VPIDs off, every combined and linear mapping of VPID 0.
  @usableFromInline
  mutating func passTransition() {
    guard isCaching, !controls.has(.enableVPID) else { return }
    drop(.combined(CombinedContexts(vpid: 0), retainingGlobals: false))
  }
}
