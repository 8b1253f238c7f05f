import Addresses
import EPT
import GuestIntegrity

extension GuestMachine {
  /// Stores bytes at a linear address: every page must allow it before any byte is written.
  func perform(_ bytes: [UInt8], at linear: GuestLinearAddress, on vcpu: Int) -> StepOutcome {
    // The first try may find a translation that had been cached and is not valid any more.
    for attempt in 0..<2 {
      switch makeStore(bytes, at: linear, on: vcpu, completing: false) {
      case .ready: return .done
      case .fault(let vector): return .fault(vector)
      case .blocked: return .blocked
      case .stopped: return .stopped
      case .refused(let violation, let isException):
        let verdict = report(bytes, at: linear, violation, on: vcpu)
        if isException { hypervisor.processors.machines[vcpu].acknowledgeException() }
        if verdict.finding == .notMine, verdict.otherClients.isEmpty, attempt == 0 { continue }
        return complete(bytes, at: linear, verdict, on: vcpu)
      }
    }
    return .stopped
  }

  /// Translates and writes, if every page lets it: by one translation where one covers the store, else part by part.
  fileprivate func makeStore(
    _ bytes: [UInt8], at linear: GuestLinearAddress, on vcpu: Int, completing: Bool
  ) -> Resolution {
    // The finest unit that rights can differ in.
    let unit: UInt64 = hypervisor.configuration.mechanism.noticing.features.contains(.subPagePermissions) ? 128 : 4096
    guard linear.rawValue % unit + UInt64(bytes.count) > unit else {
      let resolution = resolve(linear, .write, on: vcpu, completing: completing)
      if case .ready(let host) = resolution { write(bytes[...], at: host) }
      return resolution
    }
    return retry(.write, on: vcpu, completing: completing) {
      var observer = NoObserver()
      let outcome = hypervisor.processors.machines[vcpu].store(
        linear: linear, byteCount: bytes.count, user: registers(of: vcpu).cpl == 3, &observer)
      if let refusal = outcome.refusal { return .failure(refusal) }
      for part in outcome.parts {
        write(bytes[part.offset..<part.offset + part.byteCount], at: part.translation.hpa)
      }
      return .success(outcome.parts.first?.translation.hpa ?? HostPhysicalAddress(0))
    }
  }

  private func write(_ bytes: ArraySlice<UInt8>, at host: HostPhysicalAddress) {
    for (offset, byte) in bytes.enumerated() {
      memory.base.storeBytes(of: byte, toByteOffset: Int(host.rawValue) + offset, as: UInt8.self)
    }
  }

  private func report(
    _ bytes: [UInt8], at linear: GuestLinearAddress, _ violation: EPTViolation, on vcpu: Int
  ) -> Verdict {
    let registers = registers(of: vcpu)
    let last = GuestLinearAddress(linear.rawValue &+ UInt64(bytes.count - 1))
    let store = Store(
      vcpu: vcpu, address: guestTranslation(of: linear, cr3: registers.cr3) ?? violation.gpa, size: bytes.count,
      secondPage: guestTranslation(of: last, cr3: registers.cr3)?.page, linearAddress: linear, rip: registers.rip,
      value: StoredValue(firstOf: bytes[...]), time: time)
    return hypervisor.handle(
      store, violation: violation, fetchedFrom: guestTranslation(of: registers.rip, cr3: registers.cr3))
  }

  /// Performs a store that the hypervisor lets be performed, by the means of its mechanism.
  private func complete(
    _ bytes: [UInt8], at linear: GuestLinearAddress, _ verdict: Verdict, on vcpu: Int
  ) -> StepOutcome {
    guard verdict.isCompleted else {
      return verdict.effect.contains(.faultInjected) ? .fault(.generalProtection) : .blocked
    }
    var host = ScriptedStore(machine: self, bytes: bytes, linear: linear, vcpu: vcpu)
    hypervisor.configuration.mechanism.completion.complete(by: &host)
    return host.isPerformed ? .done : .stopped
  }

  /// The hypervisor stores byte by byte where the guest's page tables lead, whatever the tables' rights.
  fileprivate func emulate(_ bytes: [UInt8], at linear: GuestLinearAddress, on vcpu: Int) {
    for (index, byte) in bytes.enumerated() {
      let address = GuestLinearAddress(linear.rawValue &+ UInt64(index))
      if let place = guestTranslation(of: address, cr3: registers(of: vcpu).cr3) { setByte(byte, at: place) }
    }
  }
}

/// Does to a refused store what a strategy's choices ask for.
private struct ScriptedStore: CompletionHost {
  let machine: GuestMachine
  let bytes: [UInt8]
  let linear: GuestLinearAddress
  let vcpu: Int
  private(set) var isPerformed = false

  init(machine: GuestMachine, bytes: [UInt8], linear: GuestLinearAddress, vcpu: Int) {
    (self.machine, self.bytes, self.linear, self.vcpu) = (machine, bytes, linear, vcpu)
  }

  mutating func spend(_ act: Act) { machine.hypervisor.processors.acted(act, on: vcpu) }

  mutating func emulate() {
    machine.emulate(bytes, at: linear, on: vcpu)
    isPerformed = true
  }

  mutating func store() {
    if case .ready = machine.makeStore(bytes, at: linear, on: vcpu, completing: true) { isPerformed = true }
  }

  mutating func openView(by means: SwitchMeans) { machine.hypervisor.openView(on: vcpu, by: means) }
  mutating func closeView(by means: SwitchMeans) { machine.hypervisor.closeView(on: vcpu, by: means) }
  mutating func exit(_ reason: ExitReason) { machine.hypervisor.processors.exit(reason, on: vcpu) }
}

extension StoredValue {
  /// The first up to 16 of some bytes.
  init(firstOf bytes: ArraySlice<UInt8>) {
    self.init(low: 0)
    for (index, byte) in bytes.prefix(16).enumerated() {
      if index < 8 { low |= UInt64(byte) << UInt64(index * 8) } else { high |= UInt64(byte) << UInt64(index * 8 - 64) }
    }
  }
}
