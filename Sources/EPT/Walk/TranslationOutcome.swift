import Addresses

/// What became of an access: everything that a handler needs, as a value.
@frozen
public enum TranslationOutcome: Hashable, Sendable {
  /// The access goes ahead.
  case translated(Translation)
  /// An EPT violation that causes a VM exit (basic exit reason 48).
  case violation(EPTViolation)
  /// An EPT violation delivered to the guest as a virtualization exception (vector 20); the information area is written.
  case virtualizationException(EPTViolation)
  /// An EPT misconfiguration (basic exit reason 49).
  case misconfiguration(EPTMisconfiguration)
  /// An SPP-related event (basic exit reason 66).
  case sppEvent(SPPEvent)
  /// A page-modification log-full event (basic exit reason 62); no flag was set and the access was not done.
  case pmlFull(LogFull)
  /// A page fault in the guest, raised by the guest's own paging structures.
  case pageFault(PageFault)
  /// A linear address that is not canonical: #GP (or #SS) before any translation.
  case notCanonical(GuestLinearAddress)
}

extension TranslationOutcome {
  /// Whether the outcome is a VM exit; translations and events of the guest's own are not.
  @inlinable package var isExit: Bool {
    switch self {
    case .violation, .misconfiguration, .sppEvent, .pmlFull: true
    case .translated, .virtualizationException, .pageFault, .notCanonical: false
    }
  }
}

/// A permitted access.
@frozen
public struct Translation: Hashable, Sendable {
  /// Where the access goes.
  public var hpa: HostPhysicalAddress
  /// The guest-physical address that was translated.
  public var gpa: GuestPhysicalAddress
  /// The walk that led there: leaf, level, AND of all entries. With EPT off its rights are full and its leaf is zero.
  public var walk: EPTWalk
  /// Bit 0 for ``bySubPage``; bit 1, with the type in bits 7:4, for ``memoryType``.
  @usableFromInline var notes: UInt8

  /// A sub-page permission, not bit 1 of the entries, allowed the write.
  @inlinable public var bySubPage: Bool {
    get { notes & 1 != 0 }
    set { notes = notes & ~1 | (newValue ? 1 : 0) }
  }
  /// The effective memory type, by ``Policies/reportsMemoryType`` only.
  @inlinable public var memoryType: MemoryType? {
    get { notes & 2 != 0 ? MemoryType(rawValue: notes >> 4) : nil }
    set { notes = notes & 1 | (newValue.map { $0.rawValue << 4 | 2 } ?? 0) }
  }

  /// A translation from its parts.
  @inlinable
  public init(hpa: HostPhysicalAddress, gpa: GuestPhysicalAddress, walk: EPTWalk, bySubPage: Bool) {
    self.hpa = hpa
    self.gpa = gpa
    self.walk = walk
    notes = bySubPage ? 1 : 0
  }

  /// The translation of an access that a walk permits.
  @inlinable @inline(__always)
  init(_ access: GuestAccess, _ walk: EPTWalk, bySubPage: Bool = false) {
    self.init(hpa: walk.address(of: access.gpa), gpa: access.gpa, walk: walk, bySubPage: bySubPage)
  }

  /// The size of the EPT page, as the level of its leaf.
  @inlinable public var level: Level { walk.level }
  /// The AND of the rights over all entries.
  @inlinable public var rights: Rights { walk.rights }
}

/// An EPT violation with all that the exit reports, and the entry that decided.
@frozen
public struct EPTViolation: Hashable, Sendable {
  /// The access that was denied; for a guest entry, its guest-physical address.
  public var access: GuestAccess
  /// The exit qualification.
  public var qualification: ExitQualification
  /// How far the walk came: the deciding entry, its level and place, the rights granted.
  public var walk: EPTWalk

  /// A violation from its parts.
  @inlinable
  public init(access: GuestAccess, qualification: ExitQualification, walk: EPTWalk) {
    self.access = access
    self.qualification = qualification
    self.walk = walk
  }

  /// The guest-physical-address field.
  @inlinable public var gpa: GuestPhysicalAddress { access.gpa }
  /// The guest-linear-address field; 0 where it is undefined.
  @inlinable public var gla: GuestLinearAddress {
    qualification.contains(.linearAddressValid) ? access.gla : GuestLinearAddress(0)
  }
}

/// An EPT misconfiguration.
@frozen
public struct EPTMisconfiguration: Hashable, Sendable {
  /// The access whose translation met it.
  public var access: GuestAccess
  /// The entry, its level and its place.
  public var walk: EPTWalk

  /// A misconfiguration from its parts.
  @inlinable
  public init(access: GuestAccess, walk: EPTWalk) {
    self.access = access
    self.walk = walk
  }

  /// The guest-physical-address field.
  @inlinable public var gpa: GuestPhysicalAddress { access.gpa }
}

/// An SPP miss or SPP misconfiguration.
@frozen
public struct SPPEvent: Hashable, Sendable {
  /// The write that asked for sub-page permissions.
  public var access: GuestAccess
  /// The exit qualification: bit 11 tells a miss from a misconfiguration.
  public var qualification: ExitQualification

  /// An event from its parts.
  @inlinable
  public init(access: GuestAccess, qualification: ExitQualification) {
    self.access = access
    self.qualification = qualification
  }

  /// The guest-physical-address field.
  @inlinable public var gpa: GuestPhysicalAddress { access.gpa }
  /// The guest-linear-address field; 0 where it is undefined.
  @inlinable public var gla: GuestLinearAddress {
    access.kind.contains(.linear) ? access.gla : GuestLinearAddress(0)
  }
}

/// A page-modification log-full event.
@frozen
public struct LogFull: Hashable, Sendable {
  /// The access that would have set a flag.
  public var access: GuestAccess
  /// The exit qualification: bits 12 and 16 only.
  public var qualification: ExitQualification

  /// An event from its parts.
  @inlinable
  public init(access: GuestAccess, qualification: ExitQualification) {
    self.access = access
    self.qualification = qualification
  }
}

/// A page fault in the guest (SDM vol. 3A, "Interrupt 14—Page-Fault Exception (#PF)").
@frozen
public struct PageFault: Hashable, Sendable {
  /// The error code.
  public var code: UInt32
  /// The linear address, for CR2.
  public var gla: GuestLinearAddress

  /// A fault from its parts.
  @inlinable
  public init(code: UInt32, gla: GuestLinearAddress) {
    self.code = code
    self.gla = gla
  }
}
