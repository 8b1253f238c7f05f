import Addresses

/// What became of a store that may touch two pages.
package struct StoreOutcome: Hashable, Sendable {
  /// One part of a store, on one page.
  package struct Part: Hashable, Sendable {
    /// Where the part goes.
    package let translation: Translation
    /// How many bytes of the store it holds.
    package let byteCount: Int
    /// Its offset from the first byte of the store.
    package let offset: Int
  }

  /// The parts that are stored, low address first; a trace records these bytes and no others.
  package var parts: [Part] = []
  /// Why the store, or part of it, was refused; nil if all of it is stored.
  package var refusal: TranslationOutcome?
}

extension EPTMachine {
  /// Makes a store of 1...4096 bytes at a guest-physical address, which may run into the next page.
  ///
  /// Each page is judged by itself. By default nothing is stored on either unless both permit it, and the lower page that fails is reported
  /// with the first byte of the store on it; ``Policies/crossingOrder``, ``Policies/wideStore`` and ``Policies/subPageCrossing`` choose
  /// otherwise. Flags and log are written only for parts that are stored. (SDM vol. 3A, "Guaranteed Atomic Operations"; vol. 3C, "EPT
  /// Violations": "for any byte".)
  package mutating func store<Observer: WalkObserver>(
    _ access: GuestAccess, byteCount: Int, _ observer: inout Observer
  ) -> StoreOutcome {
    store(byteCount: byteCount, at: access.gpa.pageOffset, &observer) { machine, offset, count, crosses, observer in
      machine.guestUpdates.count = 0
      var part = access
      part.gpa.rawValue &+= UInt64(offset)
      part.gla.rawValue &+= UInt64(offset)
      part.kind.insert(.write)
      part.byteCount = UInt16(count)
      if crosses { part.kind.insert(machine.crossingMark) }
      return machine.resolve(part, page: nil, &observer)
    }
  }

  /// Makes a store of 1...4096 bytes at a linear address, which may run into the next page; otherwise as for a guest-physical one.
  package mutating func store<Observer: WalkObserver>(
    linear: GuestLinearAddress, byteCount: Int, user: Bool, _ observer: inout Observer
  ) -> StoreOutcome {
    let last = GuestLinearAddress(linear.rawValue &+ UInt64(min(max(1, byteCount), 4096) - 1))
    // Both ends are looked at before either page is walked for (SDM vol. 1, "Canonical Addressing").
    if !guest.pagingMode.isCanonical(linear) || !guest.pagingMode.isCanonical(last) {
      return StoreOutcome(refusal: .notCanonical(guest.pagingMode.isCanonical(linear) ? last : linear))
    }
    let outcome = store(byteCount: byteCount, at: linear.rawValue & 0xfff, &observer) {
      machine, offset, count, crosses, observer in
      let part = GuestLinearAddress(linear.rawValue &+ UInt64(offset))
      let kind = crosses ? AccessKind.write.union(machine.crossingMark) : .write
      return machine.resolve(part, kind, user: user, byteCount: UInt16(count), &observer)
    }
    if isCaching, let refusal = outcome.refusal {
      dropWay(to: linear, after: refusal)
      dropWay(to: last, after: refusal)
    }
    return outcome
  }

  /// What a write that crosses a page is marked with: by default that it may not use sub-page permissions.
  private var crossingMark: AccessKind { policies.subPageCrossing == .deny ? .noSubPage : [] }

  private typealias Resolve<Observer> = (
    inout EPTMachine, _ offset: Int, _ count: Int, _ crosses: Bool, inout Observer
  ) -> Resolution

  private struct Span {
    let offset: Int
    let count: Int
  }

  private mutating func store<Observer: WalkObserver>(
    byteCount: Int, at pageOffset: UInt64, _ observer: inout Observer, _ resolve: Resolve<Observer>
  ) -> StoreOutcome {
    let byteCount = min(max(1, byteCount), 4096)
    let low = min(byteCount, 4096 - Int(pageOffset))
    var spans = [Span(offset: 0, count: low)]
    if low < byteCount { spans.append(Span(offset: low, count: byteCount - low)) }
    let isWhole = policies.wideStore == .allOrNothing || byteCount <= 8
    var outcome = StoreOutcome()
    // Judge every page first, so that a refusal on one leaves no flag on the other.
    var prepared: [Prepared] = []
    for span in policies.crossingOrder == .highFirst ? spans.reversed() : spans {
      switch prepare(span, spans.count > 1, &observer, resolve) {
      case .success(let part): prepared.append(part)
      case .failure(let refused):
        outcome.refusal = outcome.refusal ?? left(by: refused.outcome)
        if isWhole { return outcome }
      }
    }
    prepared.sort { $0.span.offset < $1.span.offset }
    for part in prepared {
      guard let refusal = commit(part, spans.count > 1, &outcome.parts, &observer, resolve) else { continue }
      // The part before this one filled the log; its flags are set, and the instruction will start over.
      outcome.refusal = outcome.refusal ?? left(by: refusal)
      if isWhole { outcome.parts = [] }
    }
    return outcome
  }

  /// A part that every check permits, with what the processor noted while it was judged.
  private struct Prepared {
    let span: Span
    let pending: PendingAccess
    let updates: FlagUpdates
    let current: TranslationCaches.Current
  }

  private struct Refused: Error {
    let outcome: TranslationOutcome
  }

  /// Judges one part, again if the tables change meanwhile.
  private mutating func prepare<Observer: WalkObserver>(
    _ span: Span, _ crosses: Bool, _ observer: inout Observer, _ resolve: Resolve<Observer>
  ) -> Result<Prepared, Refused> {
    while true {
      switch resolve(&self, span.offset, span.count, crosses, &observer) {
      case .changed: continue
      case .refused(let outcome): return .failure(Refused(outcome: outcome))
      case .ready(let pending):
        return .success(Prepared(span: span, pending: pending, updates: guestUpdates, current: caches.current))
      }
    }
  }

  /// Makes one part of a store; says why if it is refused after all.
  private mutating func commit<Observer: WalkObserver>(
    _ part: Prepared, _ crosses: Bool, _ parts: inout [StoreOutcome.Part], _ observer: inout Observer,
    _ resolve: Resolve<Observer>
  ) -> TranslationOutcome? {
    var part = part
    // The part before may have set some of the flags that this one was found to lack.
    if !parts.isEmpty && regime.missingFlags(part.pending.walk, part.pending.access.kind) != 0 {
      switch prepare(part.span, crosses, &observer, resolve) {
      case .failure(let refused): return refused.outcome
      case .success(let again): part = again
      }
    }
    while true {
      guestUpdates = part.updates
      caches.current = part.current
      if let full = logFull(part.pending.access, part.pending.walk) { return full }
      if let completed = complete(part.pending, &observer) {
        guard case .translated(let translation) = completed else { return completed }
        parts.append(
          StoreOutcome.Part(translation: translation, byteCount: part.span.count, offset: part.span.offset))
        return nil
      }
      switch prepare(part.span, crosses, &observer, resolve) {
      case .failure(let refused): return refused.outcome
      case .success(let again): part = again
      }
    }
  }
}
