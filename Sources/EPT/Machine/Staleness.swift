import Addresses

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
    let owed = owed(for: answered, to: target, missedFlags: missedFlags)
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
}

// MARK: What was owed

/// How what the tables say now differs from what was cached of them.
private enum Change {
  case none
  /// So that no invalidation is owed: rights were added, or bits that nobody looks at have changed.
  case free
  /// So that an invalidation is owed.
  case owing
}

extension EPTMachine {
  /// What would have prevented a stale answer: an INVEPT if anything of EPT that the access took from the caches has changed so that one is
  /// owed; nothing if that has only gained rights; else the guest's own invalidation.
  private func owed(
    for answered: TranslationOutcome, to target: StaleTranslation.Target, missedFlags: Bool
  ) -> StaleTranslation.Owed {
    let changes = caches.used.map(change)
    if changes.contains(.owing) { return .invept(eptp.tag) }
    switch answered {
    case .violation(let violation), .virtualizationException(let violation):
      if changes.contains(.free), leads(target, to: violation) { return .nothing }
    case .pageFault:
      if let denial = caches.current.denial, changes.contains(.free) || hasOnlyGained(target, since: denial) {
        return .nothing
      }
    default:
      if missedFlags { return .invept(eptp.tag) }
    }
    return .guestInvalidation(vpid: vpid)
  }

  private func change(of use: UsedMapping) -> Change {
    guard isEnabled else { return .none }
    var nobody = NoObserver()
    let flags = EPTEntry.accessedBit | EPTEntry.dirtyBit
    let now = regime.rules.walk(use.gpa, from: regime.root, in: memory, &nobody)
    switch use.what {
    case .translation(let cached):
      guard now.end == .page, now.level == cached.level else { return .owing }
      let old = EPTEntry(cached.entry.rawValue | flags)
      let new = EPTEntry(now.entry.rawValue | flags)
      if EntryEdit(old, new, at: now.level).owesInvalidation(under: regime.rules) { return .owing }
      let upper = change(of: cached.grantedAboveLeaf, to: now.grantedAboveLeaf)
      return upper == .none && old != new ? .free : upper
    case .table(let cached):
      guard let path = path(of: use.gpa, to: now, from: regime.root) else { return .owing }
      var start = regime.root
      for step in 0..<path.count where start.level > cached.level {
        guard let below = start.level.below, step < path.count - 1 || now.end != .page else { return .owing }
        let entry = EPTEntry(path.values[step])
        start = WalkStart(table: entry.table, level: below, granted: start.granted & entry.rawValue)
      }
      guard start.level == cached.level, start.table == cached.table else { return .owing }
      return change(of: cached.granted, to: start.granted)
    case .subPages(let cached):
      var trial = trial()
      guard let cached, case .vector(let vector) = trial.subPageVector(use.gpa, &nobody) else { return .owing }
      return cached & ~vector.rawValue != 0 ? .owing : cached != vector.rawValue ? .free : .none
    }
  }

  /// The change of the rights that all entries of a way grant together.
  private func change(of cached: UInt64, to now: UInt64) -> Change {
    let rights = regime.rules.presentMask
    return cached & ~now & rights != 0 ? .owing : (cached ^ now) & rights != 0 ? .free : .none
  }

  /// Whether the guest's tables, as they stand, lead a linear access where it was refused; other accesses lead there anyway.
  private func leads(_ target: StaleTranslation.Target, to violation: EPTViolation) -> Bool {
    guard case .linear = target, guest.pagingMode != .off, violation.qualification.contains(.finalTranslation) else {
      return true
    }
    return freshPage(of: target)?.gpa == violation.gpa
  }

  /// Whether the guest's tables map the page as they did, and have taken none of its rights away.
  private func hasOnlyGained(_ target: StaleTranslation.Target, since denial: GuestTranslation) -> Bool {
    guard let now = freshPage(of: target), now.level == denial.level, now.gpa == denial.gpa else { return false }
    let rights = GuestEntry.writableBit | GuestEntry.userBit | GuestEntry.executeDisableBit
    return denial.allowed & ~now.allowed & rights == 0
  }

  /// What the guest's tables say now; nil if they do not map the address.
  private func freshPage(of target: StaleTranslation.Target) -> GuestTranslation? {
    guard case .linear(let linear, let kind, let user, _) = target else { return nil }
    var trial = trial()
    var nobody = NoObserver()
    let paging = GuestPaging(guest, capabilities)
    guard var place = paging.root(linear, guest),
      case .page = trial.walkGuest(linear, kind, user: user, from: &place, paging, &nobody)
    else { return nil }
    return place.page
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
