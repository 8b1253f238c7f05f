/// What processor and hypervisor do on the way of a refused store, one at a time: what choices are composed of, and what a
/// notification's price is made of.
public enum Act: UInt8, CaseIterable, Hashable, Sendable {
  /// The hypervisor has performed a store of the guest.
  case emulatedStore
  /// An exit of the monitor trap flag, after one instruction.
  case monitorTrapExit
  /// An exit for a hypercall, or for a VMFUNC that the processor refused.
  case hypercallExit
  /// An exit for an EPT violation, beside the one that has brought the store.
  case violationExit
  /// An exit for a full page-modification log.
  case logFullExit
  /// The hypervisor has written an EPTP.
  case eptpWrite
  /// The guest has switched by VMFUNC leaf 0.
  case vmfuncSwitch
  /// A tool outside the hypervisor has been asked, and has answered, while the vCPU waited.
  case outsideAnswer
}

extension Act {
  /// The exit for a reason; nil for those that no refused store brings about.
  public init?(_ reason: ExitReason) {
    switch reason {
    case .hypercall, .vmfunc: self = .hypercallExit
    case .eptViolation, .subPage: self = .violationExit
    case .monitorTrap: self = .monitorTrapExit
    case .modificationLogFull: self = .logFullExit
    case .nonMaskableInterrupt, .controlRegister: return nil
    }
  }

  /// The switch by these means.
  public init(_ means: SwitchMeans) { self = means == .vmfunc ? .vmfuncSwitch : .eptpWrite }
}

/// How often what was done for one refused store, 255 times at most each.
public struct Acts: Hashable, Sendable {
  private var counts = SIMD8<UInt8>()

  /// Nothing.
  public init() {}
  /// One of each, in any order.
  public init(_ acts: Act...) { for act in acts { self[act] += 1 } }

  /// How often an act was done.
  public subscript(act: Act) -> UInt8 {
    get { counts[Int(act.rawValue)] }
    set { counts[Int(act.rawValue)] = newValue }
  }
  /// Whether nothing was done.
  public var isEmpty: Bool { counts == SIMD8() }

  /// Counts an act.
  public mutating func note(_ act: Act) { self[act] = self[act] == .max ? .max : self[act] + 1 }
}

/// Who does what a choice asks for, on the vCPU whose store has been refused.
public protocol ActingHost {
  /// Notes that something was done that nothing but its price tells of.
  mutating func spend(_ act: Act)
}
