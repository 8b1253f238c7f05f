import GuestIntegrity

/// What came of an attack under a mechanism.
public struct AttackOutcome: Hashable, Sendable {
  /// The kinds of outcome, as reports name them.
  public enum Kind: String, CaseIterable, Sendable {
    /// The attacker did not get what it was after.
    case blocked
    /// The attacker got it, and an alert was raised before its next instruction.
    case detected
    /// The attacker got it, and an alert was raised later.
    case late
    /// The attacker got it, and nobody was told.
    case missed
    /// The attack makes no sense here.
    case notApplicable = "not-applicable"
  }

  /// What came of it.
  public let kind: Kind
  /// Why: what the machine did, and the alerts it raised.
  public let reason: String
}

extension Attack {
  /// Runs the attack on a machine of its own under a mechanism.
  public func run(under mechanism: Mechanism) throws(HypervisorError) -> AttackOutcome {
    var setup = AttackSetup(configuration: Configuration(mechanism))
    self.setup(&setup)
    let machine = try GuestMachine(setup.configuration)
    setup.prepare(machine)
    if setup.isArmed {
      let driver = GIDriver(machine)
      driver.arm(pageTables: setup.protectsPageTables)
      driver.window {
        for (range, region) in setup.alsoProtects { driver.protect(range, [.count, .log, .notify], region: region) }
      }
    }
    _ = machine.takeEvents()
    let result = program(machine)
    let events = machine.takeEvents()
    return AttackOutcome(kind: Self.kind(result, events), reason: Self.reason(result, events))
  }

  private static func kind(_ result: AttackResult, _ events: [AlertEvent]) -> AttackOutcome.Kind {
    guard result.achieved else { return .blocked }
    guard !events.isEmpty else { return .missed }
    return events.allSatisfy { $0.flags.contains(.late) || $0.time > result.time ?? .max } ? .late : .detected
  }

  private static func reason(_ result: AttackResult, _ events: [AlertEvent]) -> String {
    var counts: [String: Int] = [:]
    var order: [String] = []
    for event in events {
      let name = event.summary
      if counts[name] == nil { order.append(name) }
      counts[name, default: 0] += 1
    }
    let alerts = order.map { name in counts[name] == 1 ? name : "\(counts[name] ?? 0) x \(name)" }
    return result.note + (alerts.isEmpty ? "; no alert" : "; alert: " + alerts.joined(separator: ", "))
  }
}

extension AlertEvent {
  /// The event in a few words.
  var summary: String {
    var text: String
    switch cause {
    case .protectedPage: text = "protected page"
    case .treePage: text = "tree page"
    case .giCode: text = "GI code"
    case .giData: text = "GI data"
    case .corruptTree: text = "corrupt tree"
    case .hypercall: text = "hypercall refused"
    case .entry: text = "entry refused"
    case .integrityFault: text = "integrity fault"
    case .mapping: text = "mapping refused"
    case .silence: text = "driver silent"
    case .eventsLost: text = "\(detail) alerts lost"
    }
    if cause == .hypercall || cause == .entry, let error = HypercallError(rawValue: Int64(detail)) {
      text += " (\(error))"
    }
    if cause == .integrityFault, let fault = IntegrityFault(rawValue: detail) { text += " (\(fault))" }
    if flags.contains(.pageWalk) { text += " by the page walk" }
    if flags.contains(.device) { text += " by a device" }
    if flags.contains(.blocked) { text += ", write blocked" }
    if flags.contains(.late) { text += ", found late" }
    return text
  }
}

extension GuestMachine {
  /// Takes every alert there is, logs drained first.
  package func takeEvents() -> [AlertEvent] {
    (0..<hypervisor.vcpuCount).flatMap { vcpu in
      hypervisor.drainModificationLog(of: vcpu, time: time)
      return hypervisor.alerts(of: vcpu).drain()
    }
  }
}
