import Addresses

/// An access that a stale cached translation answered otherwise than a walk of the tables as they stand would have.
public struct StaleTranslation: Hashable, Sendable {
  /// What would have prevented it.
  @frozen
  public enum Owed: Hashable, Sendable {
    /// A single-context INVEPT of this tag, after the EPT entries (or sub-page vectors) were changed.
    case invept(EPTRTA)
    /// An invalidation by the guest (INVLPG, MOV to CR3) or an INVVPID: only the guest's own entries changed.
    case guestInvalidation(vpid: UInt16)
    /// Nothing: rights were only added, and the violation or page fault that this cost has dropped what was stale (SDM vol. 3C, "Guidelines
    /// for Use of the INVEPT Instruction"; vol. 3A, "Optional Invalidation").
    case nothing
  }

  /// What was accessed: a guest-physical or a linear address.
  @frozen
  public enum Target: Hashable, Sendable {
    /// An access with a guest-physical address.
    case physical(GuestAccess)
    /// A linear access, its kind, whether it was a user-mode one, and how many bytes of one page it touches.
    case linear(GuestLinearAddress, AccessKind, user: Bool, byteCount: UInt16 = 1)
  }

  /// The access.
  public let target: Target
  /// What the processor answered from its caches.
  public let answered: TranslationOutcome
  /// What a walk of the tables as they stand gives.
  public let fresh: TranslationOutcome
  /// The invalidation that somebody forgot, if it was one.
  public let owed: Owed
}

extension StaleTranslation: CustomStringConvertible {
  /// One sentence that names the access, both results, and what was owed.
  public var description: String {
    let what =
      switch target {
      case .physical(let access): "\(access.kind.verb) of guest-physical \(hex(access.gpa.rawValue))"
      case .linear(let linear, let kind, _, _): "\(kind.verb) of linear \(hex(linear.rawValue))"
      }
    let remedy =
      switch owed {
      case .invept(let tag): "a single-context INVEPT of the hierarchy at \(hex(tag.rawValue << 12)) was owed"
      case .guestInvalidation(vpid: 0): "an INVLPG or MOV to CR3 by the guest, or a VM exit without VPIDs, was owed"
      case .guestInvalidation(let vpid): "an INVLPG or MOV to CR3 by the guest, or an INVVPID of \(vpid), was owed"
      case .nothing: "nothing was owed: rights were only added, and the retry finds them"
      }
    return "stale translation: the \(what) gave \(answered.summary); the tables say \(fresh.summary); \(remedy)"
  }
}

extension AccessKind {
  /// Read, write, fetch or read-modify-write.
  public var verb: String {
    contains(.fetch) ? "fetch" : isSuperset(of: .readWrite) ? "read-modify-write" : contains(.write) ? "write" : "read"
  }
}

extension TranslationOutcome {
  /// The outcome in a few words.
  public var summary: String {
    return switch self {
    case .translated(let translation): "host-physical \(hex(translation.hpa.rawValue))"
    case .violation(let violation): "an EPT violation (qualification \(hex(violation.qualification.rawValue)))"
    case .virtualizationException(let violation): "a #VE (qualification \(hex(violation.qualification.rawValue)))"
    case .misconfiguration: "an EPT misconfiguration"
    case .sppEvent(let event): event.qualification.contains(.subPageMiss) ? "an SPP miss" : "an SPP misconfiguration"
    case .pmlFull: "a page-modification log-full event"
    case .pageFault(let fault): "a page fault (code \(hex(UInt64(fault.code))))"
    case .notCanonical: "#GP: the address is not canonical"
    }
  }

  /// What can be observed of the outcome: the walk that led there, which a cache may have shortened, is left out.
  var observable: [UInt64] {
    switch self {
    case .translated(let translation): [0, translation.hpa.rawValue, translation.gpa.rawValue]
    case .violation(let violation):
      [1, violation.qualification.rawValue, violation.gpa.rawValue, violation.gla.rawValue]
    case .virtualizationException(let violation):
      [2, violation.qualification.rawValue, violation.gpa.rawValue, violation.gla.rawValue]
    case .misconfiguration(let misconfiguration): [3, misconfiguration.gpa.rawValue]
    case .sppEvent(let event): [4, event.qualification.rawValue, event.gpa.rawValue]
    case .pmlFull: [5]
    case .pageFault(let fault): [6, UInt64(fault.code), fault.gla.rawValue]
    case .notCanonical(let linear): [7, linear.rawValue]
    }
  }
}
