import Addresses

extension EPTMachine {
  /// Makes one access with a guest-physical address: walk, judgement, flags and log, in the processor's order.
  ///
  /// With EPT off the address is host-physical already. Sources: SDM vol. 3C, "EPT Translation Mechanism", "EPT Violations",
  /// "Accessed and Dirty Flags for EPT", "Page-Modification Logging".
  @inlinable @inline(__always)
  public mutating func access<Observer: WalkObserver>(
    _ access: GuestAccess, _ observer: inout Observer
  ) -> TranslationOutcome {
    guard isPlain else {
      return isEnabled ? finish(.changed, of: .physical(access), &observer) : .translated(untranslated(access))
    }
    let walk = regime.rules.walk(access.gpa, from: .root(regime.pointer), in: memory, &observer)
    if regime.permits(access.kind, walk) { return .translated(Translation(access, walk)) }
    guestUpdates.count = 0
    let resolution = judge(access, walk, page: nil, &observer)
    return finish(resolution, of: .physical(access), &observer)
  }

  /// Makes one access that nobody watches.
  @inlinable @inline(__always)
  public mutating func access(_ access: GuestAccess) -> TranslationOutcome {
    var nobody = NoObserver()
    return self.access(access, &nobody)
  }

  /// With EPT off the address is host-physical, however wide.
  @usableFromInline
  func untranslated(_ access: GuestAccess) -> Translation {
    var translation = Translation(
      hpa: HostPhysicalAddress(access.gpa.rawValue), gpa: access.gpa, walk: .identity(access.gpa), bySubPage: false)
    if policies.reportsMemoryType { translation.memoryType = guest.cacheDisabled ? .uncacheable : .writeBack }
    return translation
  }

  /// Outside 4-level and 5-level paging linear addresses are 32 bits wide, with paging off user-mode, writable and executable, too
  /// (SDM vol. 3C, table "Exit Qualification for EPT Violations", bits 9...11).
  @inlinable
  func normalised(_ access: GuestAccess) -> GuestAccess {
    let mode = guest.pagingMode
    guard mode.is32Bit else { return access }
    var access = access
    access.gla = mode.linear(access.gla)
    guard mode == .off else { return access }
    access.kind.formUnion([.userAddress, .guestWritable])
    access.kind.subtract(.guestExecuteDisable)
    return access
  }

  /// Walks the EPT structures in force, or finds the walk in a cache; with EPT off, ends at once with full rights and a leaf that maps
  /// every address to itself.
  @inlinable @inline(__always)
  mutating func walk<Observer: WalkObserver>(_ access: GuestAccess, _ observer: inout Observer) -> EPTWalk {
    guard isEnabled else { return .identity(access.gpa) }
    if caches.isActive { return cachedWalk(access, &observer) }
    return regime.rules.walk(access.gpa, from: regime.root, in: memory, &observer)
  }
}

extension EPTWalk {
  /// What stands for a walk while EPT is off: a write-back page at its own address, with all rights and flags and bits 58 and 60.
  @inlinable
  static func identity(_ gpa: GuestPhysicalAddress) -> EPTWalk {
    let marks = EPTEntry.pagingWriteBit | EPTEntry.supervisorShadowStackBit
    let entry = gpa.rawValue & EPTEntry.addressMask | 0x737 | marks
    return EPTWalk(.page, .pte, entry, at: HostPhysicalAddress(0), above: ~0)
  }
}

/// Whether an access may go ahead.
@frozen
@usableFromInline
enum AccessCheck {
  /// It may; the flag says that a sub-page permission allowed it.
  case allowed(bySubPage: Bool)
  /// It may not.
  case refused(TranslationOutcome)
}

extension EPTMachine {
  /// Judges a walk for an access. Nothing is stored, but for the information area of a virtualization exception.
  @inlinable @inline(__always)
  mutating func check<Observer: WalkObserver>(
    _ access: GuestAccess, _ walk: EPTWalk, _ observer: inout Observer
  ) -> AccessCheck {
    var bySubPage = false
    guard walk.end == .page else { return .refused(refuse(access, walk, [], &observer)) }
    let denial = regime.denial(access.kind, walk)
    if !denial.isEmpty {
      guard regime.mayUseSubPages(denial, access.kind, walk, policies) else {
        return .refused(refuse(access, walk, denial, &observer))
      }
      if let outcome = askSubPages(access, walk, &observer) { return .refused(outcome) }
      bySubPage = true
    }
    if let full = logFull(access, walk) { return .refused(full) }
    return .allowed(bySubPage: bySubPage)
  }

  /// The log-full event of an access that has a flag to set while the log has no room (SDM vol. 3C, "Page-Modification Logging").
  @inlinable @inline(__always)
  func logFull(_ access: GuestAccess, _ walk: EPTWalk) -> TranslationOutcome? {
    guard regime.missingFlags(walk, access.kind) != 0 && enablesPML && fields.pmlIndex > 511 else { return nil }
    return .pmlFull(LogFull(access: access, qualification: eventQualification(access.kind)))
  }

  /// Asks the sub-page permission table for a write: nil if it allows it.
  @inlinable @inline(never)
  mutating func askSubPages<Observer: WalkObserver>(
    _ access: GuestAccess, _ walk: EPTWalk, _ observer: inout Observer
  ) -> TranslationOutcome? {
    switch subPageVector(access.gpa, &observer) {
    case .vector(let vector):
      return vector.allows(access.gpa, byteCount: access.byteCount) ? nil : refuse(access, walk, .write, &observer)
    case .miss:
      let qualification = eventQualification(access.kind).union(.subPageMiss)
      return .sppEvent(SPPEvent(access: access, qualification: qualification))
    case .misconfiguration:
      return .sppEvent(SPPEvent(access: access, qualification: eventQualification(access.kind)))
    }
  }

  /// The qualification of an exit other than a violation: bits 12 and 16.
  @usableFromInline
  func eventQualification(_ kind: AccessKind) -> ExitQualification {
    ExitQualification(guest.nmiBit | (kind.contains(.asynchronous) ? 1 << 16 : 0))
  }

  /// The outcome of an access that the EPT structures do not permit: misconfiguration, violation, or virtualization exception.
  @inlinable @inline(never)
  mutating func refuse<Observer: WalkObserver>(
    _ access: GuestAccess, _ walk: EPTWalk, _ denial: Denial, _ observer: inout Observer
  ) -> TranslationOutcome {
    if walk.end == .misconfigured { return .misconfiguration(EPTMisconfiguration(access: access, walk: walk)) }
    let qualification = regime.qualification(access.kind, walk, denial, guest: guest, policies: policies)
    let violation = EPTViolation(access: access, qualification: qualification, walk: walk)
    if policies.failedFlags == .upperLevels { setUpperFlags(access.gpa, walk, &observer) }
    if isCaching { invalidate(afterViolation: violation) }
    guard deliversException(violation) else { return .violation(violation) }
    writeExceptionInformation(violation, &observer)
    return .virtualizationException(violation)
  }
}
