import Addresses
import EPT
import GuestIntegrity

extension GuestMachine {
  /// What an access came to, once every exit that only costs time has been dealt with.
  enum Resolution {
    /// The access may go on at this host-physical address.
    case ready(HostPhysicalAddress)
    /// A store that the EPT refuses, and whether it was handed to the guest as #VE.
    case refused(EPTViolation, asException: Bool)
    /// The guest's processor raises an exception.
    case fault(UInt8)
    /// The store into a page table that the access needs was blocked.
    case blocked
    /// The machine has stopped, or the access can never be made.
    case stopped
  }

  /// Translates one access of a vCPU; exits that a retry follows are handled on the way.
  ///
  /// - Parameter completing: the access completes a store that has been judged, and is made even if its alert has
  ///   stopped the machine.
  func resolve(
    _ linear: GuestLinearAddress, _ kind: AccessKind, on vcpu: Int, completing: Bool = false
  ) -> Resolution {
    retry(kind, on: vcpu, completing: completing) {
      let user = registers(of: vcpu).cpl == 3
      var observer = NoObserver()
      let result = hypervisor.processors.machines[vcpu].examined(.linear(linear, kind, user: user), &observer)
      guard case .translated(let translation) = result.outcome else { return .failure(result.outcome) }
      if let stale = result.stale { staleTranslations.append(stale) }
      return .success(translation.hpa)
    }
  }

  /// What an attempt gives: a place, or why there is none.
  enum Attempt {
    case success(HostPhysicalAddress)
    case failure(TranslationOutcome)
  }

  /// Makes an attempt, and makes it again after exits that call for no more than that.
  func retry(_ kind: AccessKind, on vcpu: Int, completing: Bool, _ attempt: () -> Attempt) -> Resolution {
    // Bounded: an access that violates again and again makes no progress on hardware either.
    for _ in 0..<16 {
      guard completing || hypervisor.machine.run == .running else { return .stopped }
      let outcome: TranslationOutcome
      switch attempt() {
      case .success(let host): return .ready(host)
      case .failure(let failed): outcome = failed
      }
      switch outcome {
      case .translated, .misconfiguration: return .stopped
      case .pageFault: return .fault(.pageFault)
      case .notCanonical: return .fault(.generalProtection)
      case .pmlFull:
        hypervisor.processors.exit(.modificationLogFull, on: vcpu)
        hypervisor.drainModificationLog(of: vcpu, time: time)
      case .sppEvent:
        hypervisor.processors.exit(.subPage, on: vcpu)
        return .stopped
      case .violation(let violation):
        hypervisor.processors.exit(.eptViolation, on: vcpu)
        if let stop = settle(violation, asException: false, kind, on: vcpu) { return stop }
      case .virtualizationException(let violation):
        if let stop = settle(violation, asException: true, kind, on: vcpu) { return stop }
      }
    }
    return .stopped
  }

  /// Deals with a violation; nil if the access is to be tried again.
  private func settle(_ violation: EPTViolation, asException: Bool, _ kind: AccessKind, on vcpu: Int) -> Resolution? {
    let access = violation.access.kind
    guard !access.contains(.fetch) else {
      // Foreign code with the integrity set or the open view in force: it is taken away, and the fetch tried again.
      guard hypervisor.activeSet(of: vcpu) != .normal else { return .stopped }
      hypervisor.integrityFault(
        .foreignFetch, on: vcpu, address: violation.gpa, rip: registers(of: vcpu).rip, time: time)
      return nil
    }
    guard access.contains(.pagingStructure) else {
      return access.contains(.write) ? .refused(violation, asException: asException) : .stopped
    }
    guard access.contains(.write) else { return .stopped }
    return updatePageTable(violation, dirty: kind.contains(.write), on: vcpu)
  }

  /// Completes a store of accessed and dirty flags into a guest page-table entry as the hypervisor says.
  private func updatePageTable(_ violation: EPTViolation, dirty: Bool, on vcpu: Int) -> Resolution? {
    let entry = GuestPhysicalAddress(violation.gpa.rawValue & ~7)
    let isLeaf = entry == leafEntry(for: violation.gla, on: vcpu)
    let value = word(at: entry) | GuestEntry.accessedBit | (dirty && isLeaf ? GuestEntry.dirtyBit : 0)
    let store = Store(
      vcpu: vcpu, address: entry, size: 8, linearAddress: violation.gla, rip: registers(of: vcpu).rip,
      value: StoredValue(low: value), time: time, origin: .pageWalk)
    let verdict = hypervisor.handle(store, violation: violation)
    hypervisor.processors.machines[vcpu].acknowledgeException()
    guard verdict.isCompleted else { return .blocked }
    setWord(value, at: entry)
    return hypervisor.machine.run == .running ? nil : .stopped
  }

  private func leafEntry(for linear: GuestLinearAddress, on vcpu: Int) -> GuestPhysicalAddress {
    let cr3 = registers(of: vcpu).cr3
    let directory = entryAddress(for: linear, level: 2, cr3: cr3)
    return word(at: directory) & EPTEntry.pageBit != 0 ? directory : entryAddress(for: linear, level: 1, cr3: cr3)
  }
}
