import Addresses

/// The EPT dimension of one processor configuration: everything that decides a translation of a guest-physical address,
/// derived once from capabilities, controls and EPTP, so that the walk itself only tests masks.
@frozen
public struct EPTRegime: Hashable, Sendable {
  /// What makes an entry present, reserved or misconfigured.
  public let rules: EntryRules
  /// The pointer in force.
  public let pointer: EPTPointer
  /// Bits 8 and 9 if accessed and dirty flags are enabled, else 0.
  @usableFromInline package let flagMask: UInt64
  /// Properties of an access that need more than the comparison of rights.
  @usableFromInline let special: AccessKind
  /// Those, and with accessed and dirty flags enabled every access: what the AND of bits 0, 1, 2 and 10 does not decide.
  @usableFromInline let exceptional: AccessKind
  /// Bit 10 with mode-based execute control, else bit 2: what a fetch from a user-mode linear address needs.
  @usableFromInline let userFetch: UInt64
  /// Bit 58 with the paging-write control, else 0.
  @usableFromInline let pagingWrite: UInt64
  /// Sub-page write permissions are in force.
  @usableFromInline let subPages: Bool
  /// Bits 9, 10 and 11 of the qualification are reported.
  @usableFromInline let advancedInformation: Bool

  /// The regime of a processor with these capabilities, while these controls and this pointer are in force.
  public init(capabilities: Capabilities, controls: Controls, pointer: EPTPointer) {
    self.init(
      rules: EntryRules(capabilities: capabilities, controls: controls), pointer: pointer,
      pagingWrite: controls.has(.pagingWrite) ? EPTEntry.pagingWriteBit : 0,
      verifiesGuestPaging: controls.has(.guestPagingVerification),
      subPages: controls.has(.subPageWritePermissions),
      advancedInformation: capabilities.has(.advancedExitInformation))
  }

  /// The same regime under another pointer: what EPTP switching changes.
  @inlinable
  package func switched(to pointer: EPTPointer) -> EPTRegime {
    EPTRegime(
      rules: rules, pointer: pointer, pagingWrite: pagingWrite,
      verifiesGuestPaging: special.contains(.unverifiedPaging), subPages: subPages,
      advancedInformation: advancedInformation)
  }

  @inlinable
  init(
    rules: EntryRules, pointer: EPTPointer, pagingWrite: UInt64, verifiesGuestPaging: Bool, subPages: Bool,
    advancedInformation: Bool
  ) {
    self.rules = rules
    self.pointer = pointer
    self.pagingWrite = pagingWrite
    self.subPages = subPages
    self.advancedInformation = advancedInformation
    flagMask = pointer.enablesAccessedDirty ? EPTEntry.accessedBit | EPTEntry.dirtyBit : 0
    userFetch = rules.modeBasedExecute ? 1 << 10 : 1 << 2
    special = AccessKind(
      rawValue: (pointer.enforcesSupervisorShadowStack ? AccessKind.onlySupervisor.rawValue : 0)
        | (verifiesGuestPaging ? AccessKind.unverifiedPaging.rawValue : 0))
    exceptional = flagMask != 0 ? special.union([.read, .write, .fetch]) : special
  }

  /// Whether the walk has five levels: the processor has them, and the pointer asks for them.
  @inlinable
  package var hasFiveLevels: Bool { rules.walkLength5 && pointer.walkLengthBits == 4 }

  /// Whether an address has more bits than the walk translates: 48, or with five levels the 52 of a physical address.
  @inlinable
  package func isTooWide(_ gpa: GuestPhysicalAddress) -> Bool { gpa.rawValue >> (hasFiveLevels ? 52 : 48) != 0 }

  /// Where a walk begins.
  @inlinable
  package var root: WalkStart {
    WalkStart(
      table: pointer.root, level: hasFiveLevels ? .pml5e : .pml4e, granted: ~0, hasFiveLevels: hasFiveLevels)
  }

  /// Whether accessed and dirty flags are enabled (EPTP bit 6).
  @inlinable @inline(__always)
  package var hasFlags: Bool { flagMask != 0 }

  /// Whether an access counts as a write: it is one, or it is to a guest paging structure, for a linear address, while accessed and
  /// dirty flags are enabled (SDM vol. 3C, "Accessed and Dirty Flags for EPT").
  @inlinable @inline(__always)
  package func countsAsWrite(_ kind: AccessKind) -> Bool {
    kind.contains(.write) || (hasFlags && kind.isSuperset(of: .ofPaging))
  }

  /// The bits, of 0, 1, 2 and 10, that the AND of all entries must have for the access (SDM vol. 3C, "EPT Violations").
  @inlinable @inline(__always)
  package func needed(by kind: AccessKind) -> UInt64 {
    neededOfAny(kind) | (hasFlags && kind.isSuperset(of: .ofPaging) ? 3 : 0)
  }

  /// What an access needs whether accessed and dirty flags are enabled or not.
  @inlinable @inline(__always)
  func neededOfAny(_ kind: AccessKind) -> UInt64 {
    let fetch = kind.contains(.fetch) ? kind.contains(.userAddress) ? userFetch : 4 : 0
    return UInt64(kind.rawValue & 3) | fetch
  }

  /// The flags that a permitted access must set in its leaf: accessed, and dirty for what counts as a write; 0 with flags disabled.
  @inlinable @inline(__always)
  package func flags(of kind: AccessKind) -> UInt64 {
    flagMask & (countsAsWrite(kind) ? EPTEntry.accessedBit | EPTEntry.dirtyBit : EPTEntry.accessedBit)
  }

  /// The flags, of accessed and dirty, that the access would have to set somewhere on its path.
  @inlinable @inline(__always)
  package func missingFlags(_ walk: EPTWalk, _ kind: AccessKind) -> UInt64 {
    guard hasFlags else { return 0 }
    let seen = walk.granted & EPTEntry.accessedBit | walk.entry.rawValue & EPTEntry.dirtyBit
    return flags(of: kind) & ~seen
  }
}

extension AccessKind {
  /// What every access to a guest paging structure on behalf of a linear address is.
  @inlinable static var ofPaging: AccessKind { AccessKind(rawValue: 0x18) }
  /// The bit that tells a supervisor from a user shadow-stack access.
  @inlinable static var onlySupervisor: AccessKind { AccessKind(rawValue: 1 << 9) }
}

/// Why a walk that reached its leaf does not permit an access; empty if it does.
@frozen
public struct Denial: OptionSet, Hashable, Sendable {
  /// The reasons: bits of an EPT entry that would have had to be set, and the two marks below.
  public let rawValue: UInt64
  /// Reasons from bits.
  @inlinable public init(rawValue: UInt64) { self.rawValue = rawValue }

  /// Bit 0 is clear in some entry.
  @inlinable public static var read: Denial { Denial(rawValue: 1 << 0) }
  /// Bit 1 is clear in some entry.
  @inlinable public static var write: Denial { Denial(rawValue: 1 << 1) }
  /// Bit 2 is clear in some entry.
  @inlinable public static var execute: Denial { Denial(rawValue: 1 << 2) }
  /// Bit 10 is clear in some entry.
  @inlinable public static var executeUser: Denial { Denial(rawValue: 1 << 10) }
  /// The leaf is no supervisor shadow-stack page, or an entry above it is not writable.
  @inlinable public static var supervisorShadowStack: Denial { Denial(rawValue: EPTEntry.supervisorShadowStackBit) }
  /// The leaf wants verified guest paging, and a guest entry came from a page without paging-write access.
  @inlinable public static var guestPaging: Denial { Denial(rawValue: EPTEntry.verifyGuestPagingBit) }
}

extension EPTRegime {
  /// Whether a walk leaves nothing to be done for an access: its leaf was reached, all entries grant what is needed, no further rule applies,
  /// no flag is to be set.
  @inlinable @inline(__always)
  func permits(_ kind: AccessKind, _ walk: EPTWalk) -> Bool {
    guard case .page = walk.end else { return false }
    if kind.isDisjoint(with: exceptional) { return neededOfAny(kind) & ~walk.granted == 0 }
    return kind.isDisjoint(with: special) && needed(by: kind) & ~walk.granted == 0 && missingFlags(walk, kind) == 0
  }

  /// Judges the rights of a walk that reached its leaf, sub-page permissions not considered.
  @inlinable @inline(__always)
  package func denial(_ kind: AccessKind, _ walk: EPTWalk) -> Denial {
    let denied = needed(by: kind) & ~walk.granted
    return denied == 0 && kind.isDisjoint(with: special) ? [] : exceptions(to: denied, kind, walk)
  }

  /// The rules that go beyond the AND of bits 0, 1, 2 and 10.
  ///
  /// Source: SDM vol. 3C, "EPT Violations": supervisor shadow-stack accesses (EPTP bit 7), paging-write access (bit 58),
  /// guest-paging verification (bit 57).
  @usableFromInline @inline(never)
  func exceptions(to denied: UInt64, _ kind: AccessKind, _ walk: EPTWalk) -> Denial {
    var denial = Denial(rawValue: denied)
    if kind.contains(.onlySupervisor) && pointer.enforcesSupervisorShadowStack {
      denial.subtract([.read, .write])
      if walk.granted & 1 == 0 { denial.insert(.read) }
      if walk.grantedAboveLeaf & 2 == 0 || !walk.entry.isSupervisorShadowStack {
        denial.insert(.supervisorShadowStack)
      }
    } else if kind.contains(.pagingStructure) && walk.entry.rawValue & pagingWrite != 0
      && walk.grantedAboveLeaf & 2 != 0
    {
      denial.remove(.write)
    }
    if special.contains(.unverifiedPaging) && kind.contains(.unverifiedPaging) && walk.entry.verifiesGuestPaging {
      denial.insert(.guestPaging)
    }
    return denial
  }

  /// Whether a write so denied may ask the sub-page permission table (SDM vol. 3C, "Sub-Page Write Permissions").
  @inlinable
  package func mayUseSubPages(_ denial: Denial, _ kind: AccessKind, _ walk: EPTWalk, _ policies: Policies) -> Bool {
    subPages && denial == .write && kind.contains(.write) && walk.level == .pte && walk.entry.hasSubPageWrite
      && kind.isDisjoint(with: [.pagingStructure, .noSubPage])
      && (policies.subPageEdition == .current || walk.granted & 1 != 0)
  }

  /// The exit qualification of an EPT violation.
  @usableFromInline @inline(never)
  func qualification(
    _ kind: AccessKind, _ walk: EPTWalk, _ denial: Denial, guest: GuestState, policies: Policies
  ) -> ExitQualification {
    var bits = UInt64(kind.rawValue & 7)
    if kind.contains(.pagingStructure) {
      if countsAsWrite(kind) { bits |= 3 }
    } else if kind.isSuperset(of: .readWrite) && !policies.readModifyWriteReportsRead {
      bits &= ~1
    }
    if walk.end == .page {
      bits |= (walk.granted & 7) << 3
      if rules.modeBasedExecute { bits |= (walk.granted & 1 << 10) >> 4 }
      if pointer.enforcesSupervisorShadowStack { bits |= (walk.entry.rawValue & 1 << 60) >> 46 }
    }
    if kind.contains(.linear) {
      bits |= 1 << 7
      if !kind.contains(.pagingStructure) {
        bits |= 1 << 8
        if advancedInformation { bits |= UInt64(kind.rawValue & 0xe0) << 4 }
      }
    }
    bits |= guest.nmiBit
    if kind.contains(.shadowStack) { bits |= 1 << 13 }
    if denial.contains(.guestPaging) { bits |= 1 << 15 }
    if kind.contains(.asynchronous) { bits |= 1 << 16 }
    return ExitQualification(bits)
  }
}

extension GuestState {
  /// Bit 12 of an exit qualification: NMI unblocking due to IRET; undefined, hence 0, while an event is being delivered.
  @usableFromInline var nmiBit: UInt64 { nmiUnblocking && !deliveringEvent ? 1 << 12 : 0 }
}
