import Addresses
import GuestIntegrity
import ScriptedGuest

/// What is looked at after each step, and at the end.
extension RandomProgram {
  /// Compares what a step came to: its result, the alerts it raised, the modes, CR3, and the bytes that it may have changed.
  mutating func compare(
    _ what: String, _ vcpu: Int, _ made: StepOutcome, _ expected: ReferenceMachine.Outcome
  ) -> String? {
    tally[String(what.prefix { $0 != " " }), default: 0] += 1
    let events = machine.takeEvents()
    func complain(_ text: String) -> String { "vCPU \(vcpu), \(what): \(text)" }
    guard ReferenceMachine.Outcome(made) == expected else { return complain("\(made), expected \(expected)") }
    guard events.count == reference.alerts.count else {
      return complain("\(events.map { "\($0)" }), expected \(reference.alerts)")
    }
    for (event, alert) in zip(events, reference.alerts) {
      tally["alert \(alert.cause)", default: 0] += 1
      if let difference = difference(event, alert) { return complain("\(event): \(difference), expected \(alert)") }
      guard let address = alert.address, alert.size > 0, !alert.straddles else { continue }
      for offset in 0..<UInt64(alert.size) where byte(address + offset) != reference.byte(address + offset) {
        return complain("byte \(hex(address + offset)) is \(byte(address + offset))")
      }
    }
    for other in 0..<Self.vcpus {
      let processor = reference.processors[other]
      guard (machine.hypervisor.mode(of: other) == .integrity) == processor.isInside else {
        return complain("vCPU \(other) is in mode \(machine.hypervisor.mode(of: other))")
      }
      guard machine.registers(of: other).cr3 == processor.cr3 else {
        return complain("vCPU \(other) has CR3 \(hex(machine.registers(of: other).cr3))")
      }
    }
    return nil
  }

  private func byte(_ address: UInt64) -> UInt8 {
    let word = machine.word(at: GuestPhysicalAddress(address & ~7))
    return UInt8(truncatingIfNeeded: word >> (address % 8 * 8))
  }

  private func difference(_ event: AlertEvent, _ alert: ReferenceMachine.Alert) -> String? {
    if event.cause != alert.cause { return "cause \(event.cause)" }
    if Int(event.vcpu) != alert.vcpu { return "vCPU \(event.vcpu)" }
    if (event.mode == .integrity) != alert.isInside { return "mode \(event.mode)" }
    if UInt64(event.actions.rawValue) != alert.actions { return "actions \(event.actions.rawValue)" }
    if Int64(event.detail) != alert.detail { return "detail \(event.detail)" }
    if let address = alert.address, event.address.rawValue != address {
      return "address \(hex(event.address.rawValue))"
    }
    guard alert.size > 0 else { return nil }
    if UInt64(event.region.rawValue) != alert.region { return "region \(event.region.rawValue)" }
    if Int(event.size) != alert.size { return "size \(event.size)" }
    if event.flags.contains(.blocked) != alert.isBlocked { return "flags \(event.flags)" }
    if event.flags.contains(.secondPageOnly) != alert.isSecondPageOnly { return "flags \(event.flags)" }
    if event.flags.contains(.device) != alert.isDevice { return "flags \(event.flags)" }
    if event.newValue.firstBytes(alert.new.count) != alert.new { return "new bytes \(event.newValue)" }
    if event.oldValue.firstBytes(alert.old.count) != alert.old { return "old bytes \(event.oldValue)" }
    return nil
  }

  /// All of guest memory but what the reference does not foretell: the tree, and the stacks that interrupts are delivered on.
  func memoryComplaint() -> String? {
    let stacks = GuestLayout.kernelData.first.rawValue..<GuestLayout.kernelData.first.rawValue + 8
    for page in 0..<reference.pageCount where !reference.nodes.contains(page) && !stacks.contains(page) {
      for word in page * 512..<(page + 1) * 512 {
        let found = machine.word(at: GuestPhysicalAddress(word * 8))
        guard found != reference.words[Int(word)] else { continue }
        return "word \(hex(word * 8)) is \(hex(found)), expected \(hex(reference.words[Int(word)]))"
      }
    }
    return nil
  }
}

extension ReferenceMachine.Alert {
  /// The store runs into another page.
  fileprivate var straddles: Bool { (address ?? 0) % 4096 + UInt64(size) > 4096 }
}

extension ReferenceMachine.Outcome {
  fileprivate init(_ outcome: StepOutcome) {
    switch outcome {
    case .done: self = .done
    case .value(let value): self = .value(value)
    case .answered(let result): self = .answered(result.rawValue)
    case .blocked: self = .blocked
    case .fault(let vector): self = .fault(vector)
    case .stopped: self = .stopped
    }
  }
}

extension StoredValue {
  fileprivate func firstBytes(_ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: ($0 < 8 ? low : high) >> (UInt64($0 % 8) * 8)) }
  }
}
