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

  @inlinable
  init(_ access: GuestAccess, _ walk: EPTWalk, bySubPage: Bool, page: GuestTranslation? = nil) {
    self.access = access
    self.walk = walk
    self.bySubPage = bySubPage
    self.page = page
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
  /// `kind` is one of `.read`, `.write`, `.fetch` (or read and write); `user` says whether it is a user-mode access. With CR0.PG = 0 the
  /// linear address, 32 bits of it, is guest-physical. Four levels of guest entries, each through four levels of EPT, and the final page make 24
  /// references. For each guest entry in turn: any EPT exit, then not present, then reserved bits; after the leaf the guest's
  /// rights; then EPT for the final address (SDM vol. 3C, "EPT and the Linear-Address Space" and vol. 3A, "Determination of Access Rights").
  @inlinable @inline(__always)
  public mutating func access<Observer: WalkObserver>(
    linear: GuestLinearAddress, _ kind: AccessKind, user: Bool, _ observer: inout Observer
  ) -> TranslationOutcome {
    while true {
      switch resolve(linear, kind, user: user, byteCount: 1, &observer) {
      case .refused(let outcome): return left(by: outcome)
      case .changed: continue
      case .ready(let pending):
        if let outcome = complete(pending, &observer) { return left(by: outcome) }
      }
    }
  }

  /// Makes a linear access that nobody watches.
  @inlinable @inline(__always)
  public mutating func access(linear: GuestLinearAddress, _ kind: AccessKind, user: Bool) -> TranslationOutcome {
    var nobody = NoObserver()
    return access(linear: linear, kind, user: user, &nobody)
  }

  /// Makes the last stores of a permitted access; nil if another processor changed the tables meanwhile.
  @inlinable @inline(__always)
  mutating func complete<Observer: WalkObserver>(
    _ pending: PendingAccess, _ observer: inout Observer
  ) -> TranslationOutcome? {
    if guestUpdates.count != 0 {
      switch updateGuestFlags(pending.access.gla, &observer) {
      case .done: break
      case .changed: return nil
      case .refused(let outcome): return outcome
      }
    }
    guard setMissingFlags(pending.access, pending.walk, &observer) else { return nil }
    if caches.isActive { remember(pending) }
    let gpa = pending.access.gpa
    return .translated(
      Translation(hpa: pending.walk.address(of: gpa), gpa: gpa, walk: pending.walk, bySubPage: pending.bySubPage))
  }

  /// Judges a linear access in both dimensions. What it stores are the EPT flags of the guest's tables (and under the policy `before`
  /// the guest's flags); what remains to be stored is noted in ``guestUpdates``.
  @inlinable @inline(__always)
  mutating func resolve<Observer: WalkObserver>(
    _ linear: GuestLinearAddress, _ kind: AccessKind, user: Bool, byteCount: UInt16, _ observer: inout Observer
  ) -> Resolution {
    guestUpdates.count = 0
    guard guest.paging else {
      let gpa = GuestPhysicalAddress(linear.rawValue & 0xffff_ffff)
      return resolve(GuestAccess(gpa, kind.union(.linear), gla: linear, byteCount: byteCount), page: nil, &observer)
    }
    guard linear.isCanonical else {
      return .refused(.notCanonical(linear))
    }
    if caches.isActive, let resolution = resolveByCombined(linear, kind, user: user, byteCount: byteCount, &observer) {
      return resolution
    }
    var start = GuestStart(GuestPhysicalAddress(guest.cr3 & EPTEntry.addressMask))
    if caches.isActive { start = combinedStart(linear) }
    switch walkGuest(linear, kind, user: user, from: start, &observer) {
    case .refused(let outcome): return .refused(outcome)
    case .changed: return .changed
    case .page(let page):
      if guest.denies(kind, user: user, page) {
        let code = guest.faultCode(kind, user: user, protection: true, reserved: false)
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
  @inlinable @inline(__always)
  mutating func resolve<Observer: WalkObserver>(
    _ access: GuestAccess, page: GuestTranslation?, _ observer: inout Observer
  ) -> Resolution {
    let access = normalised(access)
    let walk = walk(access, &observer)
    switch check(access, walk, &observer) {
    case .refused(let outcome): return .refused(outcome)
    case .allowed(let bySubPage): return .ready(PendingAccess(access, walk, bySubPage: bySubPage, page: page))
    }
  }

  /// A page fault, which drops what the combined caches hold for the address.
  @usableFromInline @inline(never)
  mutating func fault(_ code: UInt32, _ linear: GuestLinearAddress) -> TranslationOutcome {
    if caches.isActive { caches.dropLinear(linear, combinedContext) }
    return .pageFault(PageFault(code: code, gla: linear))
  }
}

/// Where a walk of the guest's tables begins.
@frozen
@usableFromInline
struct GuestStart {
  /// The table's guest-physical address.
  @usableFromInline var table: GuestPhysicalAddress
  /// The level of its entries.
  @usableFromInline var level = Level.pml4e
  /// How EPT translated the table, if a paging-structure cache remembers.
  @usableFromInline var tableWalk: EPTWalk?
  /// The rights gathered on the way.
  @usableFromInline var page = GuestTranslation()

  @inlinable init(_ table: GuestPhysicalAddress) { self.table = table }
}

/// How a walk of the guest's tables ends.
@frozen
@usableFromInline
enum GuestWalkEnd {
  case page(GuestTranslation)
  case refused(TranslationOutcome)
  case changed
}

extension EPTMachine {
  /// Walks the guest's tables down to the leaf: EPT for each entry's address, then presence, then reserved bits.
  @inlinable @inline(__always)
  mutating func walkGuest<Observer: WalkObserver>(
    _ linear: GuestLinearAddress, _ kind: AccessKind, user: Bool, from start: GuestStart, _ observer: inout Observer
  ) -> GuestWalkEnd {
    var page = start.page
    var table = start.table.rawValue
    var level = start.level
    var tableWalk = start.tableWalk
    while true {
      let gpa = GuestPhysicalAddress(table | level.index(of: linear.rawValue) << 3)
      let access = GuestAccess(gpa, .pagingRead, gla: linear)
      let walk = tableWalk ?? self.walk(access, &observer)
      tableWalk = nil
      if case .refused(let outcome) = check(access, walk, &observer) { return .refused(outcome) }
      guard setMissingFlags(access, walk, &observer) else { return .changed }
      if caches.isActive { noteTable(access, walk, level, page) }

      let hpa = walk.address(of: gpa)
      let entry = memory.load(hpa)
      observer.reference(.guest, level: level.rawValue, address: hpa, value: entry)
      if entry & GuestEntry.presentBit == 0 {
        return .refused(fault(guest.faultCode(kind, user: user, protection: false, reserved: false), linear))
      }
      if guest.reservedBits(entry, at: level, capabilities.physicalAddressWidth) != 0 {
        return .refused(fault(guest.faultCode(kind, user: user, protection: true, reserved: true), linear))
      }
      page.add(entry)
      if walk.entry.rawValue & EPTEntry.pagingWriteBit == 0 { page.isUnverified = true }

      let isLeaf = GuestEntry(entry).mapsPage(at: level)
      let wanted = isLeaf && kind.contains(.write) ? GuestEntry.accessedBit | GuestEntry.dirtyBit : GuestEntry.accessedBit
      if entry & wanted != wanted {
        guestUpdates.append(FlagUpdate(gpa: gpa, hpa: hpa, value: entry, wanted: wanted, walk: walk))
      }
      guard !isLeaf, let below = level.below else {
        let offset = level.offsetMask
        page.level = level
        page.leaf = GuestEntry(entry | wanted)
        page.gpa = GuestPhysicalAddress(entry & EPTEntry.addressMask & ~offset | linear.rawValue & offset)
        return .page(page)
      }
      table = entry & EPTEntry.addressMask
      level = below
    }
  }
}
