import Addresses
import EPT
import Execution
import GuestIntegrity

/// An access of a scripted instruction.
package struct ScriptedAccess {
  let vcpu: Int
  let linear: GuestLinearAddress
  let kind: AccessKind
  /// What a store writes; nil where an access is translated and nothing more.
  var bytes: [UInt8]?
  /// Where it got to.
  var place = HostPhysicalAddress(0)
  /// It completes a store that has been judged.
  var isCompleting = false
}

/// A script drives the processors: an access is a load, a store or a fetch of an instruction that the script names.
extension GuestMachine: Executor {
  package func vcpu(of access: ScriptedAccess) -> Int { access.vcpu }
  package func time(of access: ScriptedAccess) -> UInt64 { time }

  package func instruction(of access: ScriptedAccess) -> (rip: GuestLinearAddress, address: GuestPhysicalAddress?)? {
    let registers = registers(of: access.vcpu)
    return (registers.rip, guestTranslation(of: registers.rip, cr3: registers.cr3))
  }

  package func attempt(_ access: inout ScriptedAccess, isRepeated: Bool) -> TranslationOutcome? {
    let user = registers(of: access.vcpu).cpl == 3
    var observer = NoObserver()
    guard let bytes = access.bytes, reachesFurtherRights(access.linear, bytes.count) else {
      let result = hypervisor.processors.machines[access.vcpu].examined(
        .linear(access.linear, access.kind, user: user), &observer)
      guard case .translated(let translation) = result.outcome else { return result.outcome }
      if let stale = result.stale { staleTranslations.append(stale) }
      access.place = translation.hpa
      if let bytes = access.bytes { write(bytes[...], at: translation.hpa) }
      return nil
    }
    let outcome = hypervisor.processors.machines[access.vcpu].store(
      linear: access.linear, byteCount: bytes.count, user: user, &observer)
    if let refusal = outcome.refusal { return refusal }
    for part in outcome.parts { write(bytes[part.offset..<part.offset + part.byteCount], at: part.translation.hpa) }
    return nil
  }

  /// Whether a store reaches what may have other rights than its first byte: by one translation where one covers the store,
  /// else part by part.
  private func reachesFurtherRights(_ linear: GuestLinearAddress, _ bytes: Int) -> Bool {
    let features = hypervisor.configuration.mechanism.noticing.features
    let unit: UInt64 = features.contains(.subPagePermissions) ? 128 : 4096
    return linear.rawValue % unit + UInt64(bytes) > unit
  }

  private func write(_ bytes: ArraySlice<UInt8>, at host: HostPhysicalAddress) {
    for (offset, byte) in bytes.enumerated() {
      memory.base.storeBytes(of: byte, toByteOffset: Int(host.rawValue) + offset, as: UInt8.self)
    }
  }

  package func store(
    of access: inout ScriptedAccess, refusedBy violation: EPTViolation, _ delivery: Delivery
  ) -> Store? {
    // What completes a store runs with everything writable: it is not judged a second time.
    guard let bytes = access.bytes, !access.isCompleting else { return nil }
    let registers = registers(of: access.vcpu)
    let last = GuestLinearAddress(access.linear.rawValue &+ UInt64(bytes.count - 1))
    return Store(
      vcpu: access.vcpu, address: guestTranslation(of: access.linear, cr3: registers.cr3) ?? violation.gpa,
      size: bytes.count, secondPage: guestTranslation(of: last, cr3: registers.cr3)?.page, linearAddress: access.linear,
      rip: registers.rip, value: StoredValue(firstOf: bytes[...]), time: time)
  }

  package func update(of access: ScriptedAccess, refusedBy violation: EPTViolation) -> Store {
    Store(
      vcpu: access.vcpu, address: GuestPhysicalAddress(violation.gpa.rawValue & ~7), size: 8,
      linearAddress: violation.gla, rip: registers(of: access.vcpu).rip,
      value: StoredValue(low: flagged(access, violation)), time: time, origin: .pageWalk)
  }

  package func acknowledgeException(on vcpu: Int) { hypervisor.processors.machines[vcpu].acknowledgeException() }

  /// The hypervisor stores byte by byte where the guest's page tables lead, whatever the tables' rights.
  package func emulate(_ access: ScriptedAccess) {
    for (index, byte) in (access.bytes ?? []).enumerated() {
      let address = GuestLinearAddress(access.linear.rawValue &+ UInt64(index))
      if let place = guestTranslation(of: address, cr3: registers(of: access.vcpu).cr3) { setByte(byte, at: place) }
    }
  }

  /// Made even if the alert of the store has stopped the machine.
  package func storeInOpenView(_ access: ScriptedAccess) -> Bool {
    var access = access
    access.isCompleting = true
    guard let outcome = attempt(&access, isRepeated: true) else { return true }
    guard case .made = execute(&access, after: outcome, completedBy: .vcpu) else { return false }
    return true
  }

  package func setFlag(of access: ScriptedAccess, refusedBy violation: EPTViolation) -> Bool {
    setWord(flagged(access, violation), at: GuestPhysicalAddress(violation.gpa.rawValue & ~7))
    return true
  }

  /// The entry with the flags that the walker was to set.
  private func flagged(_ access: ScriptedAccess, _ violation: EPTViolation) -> UInt64 {
    let entry = GuestPhysicalAddress(violation.gpa.rawValue & ~7)
    let isLeaf = entry == leafEntry(for: violation.gla, on: access.vcpu)
    let dirty = access.kind.contains(.write) && isLeaf ? GuestEntry.dirtyBit : 0
    return word(at: entry) | GuestEntry.accessedBit | dirty
  }

  private func leafEntry(for linear: GuestLinearAddress, on vcpu: Int) -> GuestPhysicalAddress {
    let cr3 = registers(of: vcpu).cr3
    let directory = entryAddress(for: linear, level: 2, cr3: cr3)
    return word(at: directory) & EPTEntry.pageBit != 0 ? directory : entryAddress(for: linear, level: 1, cr3: cr3)
  }

  package func haveDrained(on vcpu: Int, at time: UInt64) {}
  package func haveJudged(_ judged: JudgedStore, of access: ScriptedAccess) {}
}
