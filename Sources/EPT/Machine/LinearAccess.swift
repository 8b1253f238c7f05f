import Addresses

/// An access that every check permits; its last stores (guest flags, log, EPT flags of the final page) are still to be made.
@frozen
@usableFromInline
struct PendingAccess {
  @usableFromInline let access: GuestAccess
  @usableFromInline let walk: EPTWalk
  @usableFromInline let bySubPage: Bool
  /// What guest paging said; nil where the address was not linear, or paging is off.
  @usableFromInline let page: GuestTranslation?
  /// A cache has answered, so there is nothing new to remember.
  @usableFromInline let isCached: Bool

  @inlinable
  init(
    _ access: GuestAccess, _ walk: EPTWalk, bySubPage: Bool, page: GuestTranslation? = nil, isCached: Bool = false
  ) {
    self.access = access
    self.walk = walk
    self.bySubPage = bySubPage
    self.page = page
    self.isCached = isCached
  }
}

/// How far the resolution of an access came.
@frozen
@usableFromInline
enum Resolution {
  /// Permitted; to be completed.
  case ready(PendingAccess)
  /// Refused, by the guest's tables or by EPT.
  case refused(TranslationOutcome)
  /// The tables changed meanwhile: begin again.
  case changed
}

extension EPTMachine {
  /// Translates a linear address through the guest's tables and EPT, and makes the access: the two-dimensional walk.
  ///
  /// `kind` is one of `.read`, `.write`, `.fetch` (or read and write), with `.shadowStack` or `.implicit`; `user` says whether it is a user-mode
  /// access of bytes in one page. With CR0.PG = 0 the linear address, 32 bits of it, is guest-physical. Four levels of guest entries, each through four levels of EPT, and the final page make 24
  /// references. For each guest entry in turn: any EPT exit, then not present, then reserved bits; after the leaf the guest's
  /// rights; then EPT for the final address (SDM vol. 3C, "EPT and the Linear-Address Space" and vol. 3A, "Determination of Access Rights").
  @inlinable @inline(__always)
  public mutating func access<Observer: WalkObserver>(
    linear: GuestLinearAddress, _ kind: AccessKind, user: Bool, byteCount: UInt16 = 1, _ observer: inout Observer
  ) -> TranslationOutcome {
    guard isPlain, linear.isCanonical else {
      return finish(.changed, of: .linear(linear, kind, user: user, byteCount: byteCount), &observer)
    }
    guestUpdates.count = 0
    var place = GuestPlace(guest.tables)
    let end = walkGuest(linear, kind, user: user, from: &place, PlainFormat(), &observer)
    let page = place.page
    guard case .page = end, guestUpdates.count == 0, !guest.denies(kind, user: user, page) else {
      let resolution = resolve(end, page, linear, kind, user: user, byteCount: byteCount, &observer)
      return finish(resolution, of: .linear(linear, kind, user: user, byteCount: byteCount), &observer)
    }
    let access = GuestAccess(page.gpa, kind.union(page.accessKind), gla: linear, byteCount: byteCount)
    let walk = regime.rules.walk(access.gpa, from: .root(regime.pointer), in: memory, &observer)
    if regime.permits(access.kind, walk) { return .translated(Translation(access, walk)) }
    let resolution = judge(access, walk, page: page, &observer)
    return finish(resolution, of: .linear(linear, kind, user: user, byteCount: byteCount), &observer)
  }

  /// Makes a linear access that nobody watches.
  @inlinable @inline(__always)
  public mutating func access(linear: GuestLinearAddress, _ kind: AccessKind, user: Bool) -> TranslationOutcome {
    var nobody = NoObserver()
    return access(linear: linear, kind, user: user, &nobody)
  }

  /// Completes an access, and begins again while other processors change the tables.
  @inlinable @inline(never)
  mutating func finish<Observer: WalkObserver>(
    _ resolution: Resolution, of target: StaleTranslation.Target, _ observer: inout Observer
  ) -> TranslationOutcome {
    var resolution = resolution
    while true {
      switch resolution {
      case .refused(let outcome): return left(by: outcome, from: target)
      case .changed: break
      case .ready(let pending):
        if let outcome = complete(pending, &observer) { return left(by: outcome, from: target) }
      }
      switch target {
      case .physical(let access):
        guestUpdates.count = 0
        resolution = resolve(access, page: nil, &observer)
      case .linear(let linear, let kind, let user, let byteCount):
        resolution = resolve(linear, kind, user: user, byteCount: byteCount, &observer)
      }
    }
  }

  /// Hands an outcome on, after what it invalidates.
  @inlinable @inline(__always)
  mutating func left(by outcome: TranslationOutcome, from target: StaleTranslation.Target) -> TranslationOutcome {
    if isCaching, case .linear(let linear, _, _, _) = target { dropWay(to: linear, after: outcome) }
    return left(by: outcome)
  }

  /// Makes the last stores of a permitted access; nil if another processor changed the tables meanwhile.
  @inlinable @inline(__always)
  mutating func complete<Observer: WalkObserver>(
    _ pending: PendingAccess, _ observer: inout Observer
  ) -> TranslationOutcome? {
    if guestUpdates.count != 0 {
      switch setAllFlags(pending, &observer) {
      case .done: break
      case .changed: return nil
      case .refused(let outcome): return outcome
      }
    } else {
      guard setMissingFlags(pending.access, pending.walk, &observer) else { return nil }
    }
    if caches.isActive { remember(pending) }
    var translation = Translation(pending.access, pending.walk, bySubPage: pending.bySubPage)
    if policies.reportsMemoryType { translation.memoryType = memoryType(pending) }
    return .translated(translation)
  }

  /// Sets the guest's flags, then those of EPT for the final page, whose entries are read before the guest's are written.
  @inlinable @inline(never)
  mutating func setAllFlags<Observer: WalkObserver>(
    _ pending: PendingAccess, _ observer: inout Observer
  ) -> FlagUpdateEnd {
    var path: EntryPath?
    if regime.missingFlags(pending.walk, pending.access.kind) != 0 {
      path = self.path(of: pending.access.gpa, to: pending.walk, from: walkStart)
      if path == nil { return .changed }
    }
    let end = updateGuestFlags(pending.access.gla, &observer)
    guard case .done = end else { return end }
    if let path { _ = setFlags(pending.access, path, ignoringChanges: true, &observer) }
    if caches.isActive { rememberPhysical(pending.access, pending.walk) }
    return .done
  }

  /// Judges a linear access in both dimensions. What it stores are the EPT flags of the guest's tables (and under the policy `before`
  /// the guest's flags); what remains to be stored is noted in ``guestUpdates``.
  @inlinable @inline(__always)
  mutating func resolve<Observer: WalkObserver>(
    _ linear: GuestLinearAddress, _ kind: AccessKind, user: Bool, byteCount: UInt16, _ observer: inout Observer
  ) -> Resolution {
    guestUpdates.count = 0
    let paging = GuestPaging(guest, capabilities)
    let linear = paging.mode.linear(linear)
    guard paging.mode != .off else {
      let gpa = GuestPhysicalAddress(linear.rawValue)
      if caches.isActive && isEnabled {
        return resolveUnpaged(gpa, kind, byteCount: byteCount, &observer)
      }
      return resolve(GuestAccess(gpa, kind.union(.linear), gla: linear, byteCount: byteCount), page: nil, &observer)
    }
    guard paging.mode.isCanonical(linear) else {
      return .refused(.notCanonical(linear))
    }
    if caches.isActive, let resolution = resolveByCombined(linear, kind, user: user, byteCount: byteCount, &observer) {
      return resolution
    }
    guard let root = paging.root(linear, guest) else {
      return .refused(fault(guest.faultCode(kind, user: user, protection: false, reserved: false), linear))
    }
    var place = caches.isActive ? combinedStart(linear, root) : root
    let end = walkGuest(linear, kind, user: user, from: &place, paging, &observer)
    return resolve(end, place.page, linear, kind, user: user, byteCount: byteCount, &observer)
  }

  /// Judges a linear access whose walk of the guest's tables has ended.
  @inlinable @inline(never)
  mutating func resolve<Observer: WalkObserver>(
    _ end: GuestWalkEnd, _ page: GuestTranslation, _ linear: GuestLinearAddress, _ kind: AccessKind, user: Bool,
    byteCount: UInt16, _ observer: inout Observer
  ) -> Resolution {
    switch end {
    case .refused(let outcome): return .refused(outcome)
    case .changed: return .changed
    case .page:
      if let code = guest.refusal(kind, user: user, page) {
        if caches.isActive { caches.noteDenial(by: page) }
        return .refused(fault(code, linear))
      }
      if policies.guestFlags == .before && guestUpdates.count != 0 {
        switch updateGuestFlags(linear, &observer) {
        case .done: guestUpdates.count = 0
        case .changed: return .changed
        case .refused(let outcome): return .refused(outcome)
        }
      }
      let access = GuestAccess(page.gpa, kind.union(page.accessKind), gla: linear, byteCount: byteCount)
      return resolve(access, page: page, &observer)
    }
  }

  /// Judges one access with a guest-physical address.
  @inlinable @inline(never)
  mutating func resolve<Observer: WalkObserver>(
    _ access: GuestAccess, page: GuestTranslation?, _ observer: inout Observer
  ) -> Resolution {
    let access = normalised(access)
    let walk = walk(access, &observer)
    return judge(access, walk, page: page, &observer)
  }

  /// Judges the walk of one access.
  @inlinable @inline(never)
  mutating func judge<Observer: WalkObserver>(
    _ access: GuestAccess, _ walk: EPTWalk, page: GuestTranslation?, _ observer: inout Observer
  ) -> Resolution {
    switch check(access, walk, &observer) {
    case .refused(let outcome): return .refused(outcome)
    case .allowed(let bySubPage): return .ready(PendingAccess(access, walk, bySubPage: bySubPage, page: page))
    }
  }

  /// A page fault, which drops what is cached of the page that holds the address.
  @usableFromInline @inline(never)
  mutating func fault(_ code: UInt32, _ linear: GuestLinearAddress) -> TranslationOutcome {
    if isCaching { drop(.page(linear, CombinedContexts(combinedContext), retainingGlobals: false)) }
    return .pageFault(PageFault(code: code, gla: linear))
  }
}
