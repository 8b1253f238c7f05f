import Addresses

extension EPTMachine {
  /// Makes a linear access of 1...4096 bytes, which may run into the next page, and tells which stale translations answered it.
  ///
  /// Both ends must be canonical. Then the part on each page is translated by itself and completely, in the order of
  /// ``Policies/crossingOrder``; the first part that is refused is the answer, and what the part before it has stored stays. A permitted access
  /// gives the translation of its lowest byte. (SDM vol. 3C, "EPT Violations": "for any byte"; vol. 3A, "Guaranteed Atomic Operations".)
  public mutating func examined<Observer: WalkObserver>(
    linear: GuestLinearAddress, _ kind: AccessKind, user: Bool, byteCount: Int, _ observer: inout Observer
  ) -> (outcome: TranslationOutcome, stale: [StaleTranslation]) {
    let mode = guest.pagingMode
    let byteCount = min(max(1, byteCount), 4096)
    let first = mode.linear(linear)
    let last = mode.linear(GuestLinearAddress(first.rawValue &+ UInt64(byteCount - 1)))
    guard mode.isCanonical(first), mode.isCanonical(last) else { return (.notCanonical(first), []) }
    let low = min(byteCount, 4096 - Int(first.rawValue & 0xfff))
    guard low < byteCount else {
      let (outcome, stale) = examined(.linear(first, kind, user: user, byteCount: UInt16(byteCount)), &observer)
      return (outcome, stale.map { [$0] } ?? [])
    }
    let kind = policies.subPageCrossing == .deny ? kind.union(.noSubPage) : kind
    let parts: [StaleTranslation.Target] = [
      .linear(first, kind, user: user, byteCount: UInt16(low)),
      .linear(GuestLinearAddress(last.rawValue & ~0xfff), kind, user: user, byteCount: UInt16(byteCount - low)),
    ]
    let isHighFirst = policies.crossingOrder == .highFirst
    var translations: [Translation] = []
    var stale: [StaleTranslation] = []
    for part in isHighFirst ? parts.reversed() : parts {
      let answer = examined(part, &observer)
      if let found = answer.stale { stale.append(found) }
      guard case .translated(let translation) = answer.outcome else { return (answer.outcome, stale) }
      translations.append(translation)
    }
    var lowest = translations[isHighFirst ? 1 : 0]
    lowest.bySubPage = translations.contains(where: \.bySubPage)
    return (.translated(lowest), stale)
  }

  /// Makes a linear access of 1...4096 bytes that nobody watches.
  public mutating func access(
    linear: GuestLinearAddress, _ kind: AccessKind, user: Bool, byteCount: Int
  ) -> TranslationOutcome {
    var nobody = NoObserver()
    return examined(linear: linear, kind, user: user, byteCount: byteCount, &nobody).outcome
  }
}
