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
    _ linear: GuestLinearAddress, _ request: LinearAccess, on vcpu: Int, completing: Bool = false
  ) -> Resolution {
    var observer = NoObserver()
    // Bounded: an access that violates again and again makes no progress on hardware either.
    for _ in 0..<16 {
      guard completing || hypervisor.machine.run == .running else { return .stopped }
      let outcome = hypervisor.processors.machines[vcpu].access(
        linear, request, memory: memory.view, observer: &observer)
      switch outcome {
      case .translated(let translation): return .ready(translation.hpa)
      case .pageFault: return .fault(.pageFault)
      case .notCanonical: return .fault(.generalProtection)
      case .misconfiguration: return .stopped
      case .pmlFull:
        hypervisor.processors.exit(.modificationLogFull, on: vcpu)
        hypervisor.drainModificationLog(of: vcpu, time: time)
      case .sppEvent:
        hypervisor.processors.exit(.subPage, on: vcpu)
        return .stopped
      case .violation(let violation), .virtualizationException(let violation):
        var isException = false
        if case .virtualizationException = outcome { isException = true }
        if !isException { hypervisor.processors.exit(.eptViolation, on: vcpu) }
        if let stop = settle(violation, asException: isException, request, on: vcpu) { return stop }
      }
    }
    return .stopped
  }

  /// Deals with a violation; nil if the access is to be tried again.
  private func settle(
    _ violation: EPTViolation, asException: Bool, _ request: LinearAccess, on vcpu: Int
  ) -> Resolution? {
    guard !violation.isFetch else {
      // Foreign code with the integrity set in force: the set is taken away, and the fetch tried again.
      guard hypervisor.mode(of: vcpu) == .integrity else { return .stopped }
      hypervisor.integrityFault(
        .foreignFetch, on: vcpu, address: violation.gpa, rip: registers(of: vcpu).rip, time: time)
      return nil
    }
    guard violation.isWrite else { return .stopped }
    guard !violation.isFinalTranslation else { return .refused(violation, asException: asException) }
    return updatePageTable(violation, dirty: request.kind == .write, on: vcpu)
  }

  /// Completes a store of accessed and dirty flags into a guest page-table entry as the hypervisor says.
  private func updatePageTable(_ violation: EPTViolation, dirty: Bool, on vcpu: Int) -> Resolution? {
    let entry = GuestPhysicalAddress(violation.gpa.rawValue & ~7)
    let value = word(at: entry) | (dirty ? 0x60 : 0x20)
    let store = Store(
      vcpu: vcpu, address: entry, size: 8, linearAddress: violation.linear, rip: registers(of: vcpu).rip,
      value: StoreValue(low: value), time: time, origin: .pageWalk)
    let verdict = hypervisor.handle(store, violation: violation)
    clearExceptionArea(of: vcpu)
    guard verdict.isCompleted else { return .blocked }
    setWord(value, at: entry)
    return hypervisor.machine.run == .running ? nil : .stopped
  }

  /// The handler of #VE has read the information area.
  func clearExceptionArea(of vcpu: Int) {
    let area = hypervisor.processors.machines[vcpu].exceptionArea
    memory.store(memory.load(area) & 0xffff_ffff, at: area)
  }
}
