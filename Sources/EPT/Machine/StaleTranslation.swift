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
  /// The invalidation that somebody forgot.
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
      case .guestInvalidation(let vpid): "an INVLPG or MOV to CR3 by the guest, or an INVVPID of \(vpid), was owed"
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
  fileprivate var observable: [UInt64] {
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

extension EPTMachine {
  /// Makes an access and tells whether a stale translation answered it.
  ///
  /// Before it a trial runs without caches, over a layer that swallows its stores; the two differ if their outcomes do, or the flags and
  /// log entries that they store. Under the policy `none` there is nothing to compare.
  public mutating func examined<Observer: WalkObserver>(
    _ target: StaleTranslation.Target, _ observer: inout Observer
  ) -> (outcome: TranslationOutcome, stale: StaleTranslation?) {
    guard caches.isActive else { return (perform(target, &observer), nil) }
    var trial = trial()
    var freshLog = ReferenceLog()
    let fresh = trial.perform(target, &freshLog)
    caches.beginAccess()
    var log = TeeObserver(observer)
    let answered = perform(target, &log)
    observer = log.first
    let (made, due) = (log.log.flagWrites, freshLog.flagWrites)
    guard answered.observable != fresh.observable || made != due else { return (answered, nil) }
    let missedFlags = due.contains { $0.kind != .guestFlags && !made.contains($0) }
    let owed: StaleTranslation.Owed =
      missedFlags || !eptAgreesWithCaches() ? .invept(eptp.tag) : .guestInvalidation(vpid: vpid)
    return (answered, StaleTranslation(target: target, answered: answered, fresh: fresh, owed: owed))
  }

  private mutating func perform<Observer: WalkObserver>(
    _ target: StaleTranslation.Target, _ observer: inout Observer
  ) -> TranslationOutcome {
    switch target {
    case .physical(let access): self.access(access, &observer)
    case .linear(let linear, let kind, let user, let byteCount):
      access(linear: linear, kind, user: user, byteCount: byteCount, &observer)
    }
  }

  /// This processor without caches, over a layer of its own.
  private func trial() -> EPTMachine<OverlayMemory<Memory>> {
    var policies = policies
    policies.cache = .none
    return EPTMachine<OverlayMemory<Memory>>(
      memory: OverlayMemory(memory), capabilities: capabilities, controls: controls, eptp: eptp, policies: policies,
      guest: guest, fields: fields)
  }

  /// Whether EPT translates everything that the access took from the caches as it was cached; then only the guest's entries changed.
  private func eptAgreesWithCaches() -> Bool {
    var nobody = NoObserver()
    let flags = EPTEntry.accessedBit | EPTEntry.dirtyBit
    return caches.used.allSatisfy { use in
      guard let gpa = use.gpa, let cached = use.walk else { return false }
      let now = regime.rules.walk(gpa, from: regime.root, in: memory, &nobody)
      return now.end == .page && now.level == cached.level && (now.granted ^ cached.granted) & ~flags == 0
        && (now.entry.rawValue ^ cached.entry.rawValue) & ~flags == 0
    }
  }
}

/// Passes on what it sees and keeps a log of its own.
struct TeeObserver<First: WalkObserver>: WalkObserver {
  var first: First
  var log = ReferenceLog()

  init(_ first: First) { self.first = first }

  mutating func reference(_ kind: ReferenceKind, level: UInt8, address: HostPhysicalAddress, value: UInt64) {
    first.reference(kind, level: level, address: address, value: value)
  }

  mutating func write(_ kind: WriteKind, address: HostPhysicalAddress, value: UInt64) {
    first.write(kind, address: address, value: value)
    log.write(kind, address: address, value: value)
  }
}

extension ReferenceLog {
  /// The stores of flags and log entries.
  fileprivate var flagWrites: [Write] { writes.filter { $0.kind != .exceptionInformation } }
}
