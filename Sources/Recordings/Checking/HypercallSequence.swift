import Addresses

/// The order in which a driver's hypercalls are legal: `GI_INIT` once and first, then windows of `GI_ENTER` and `GI_EXIT` on each
/// vCPU, changes of protection only inside one.
struct HypercallSequence {
  /// The numbers of the hypercalls.
  enum Number {
    static let initialise: UInt64 = 0x4749_0001
    static let enter: UInt64 = 0x4749_0002
    static let exit: UInt64 = 0x4749_0003
    static let query: UInt64 = 0x4749_0008
    static let shutdown: UInt64 = 0x4749_0009
  }

  private enum Window {
    case closed
    case open
    /// The guest believes it open: a recording does not learn that its GI_ENTER was refused.
    case believed
  }

  private var isInitialised = false
  private var isShutDown = false
  private var windows: [Window]

  init(vcpus: Int) { windows = [Window](repeating: .closed, count: vcpus) }

  /// An attack's call, legal or not: it can only change what the guest believes.
  mutating func takeAttack(_ call: RecordedEvent.Hypercall) {
    if call.number == Number.enter, windows[call.vcpu] == .closed { windows[call.vcpu] = .believed }
  }

  /// What is illegal about this call here; nil if nothing is.
  mutating func take(_ call: RecordedEvent.Hypercall) -> String? {
    let what = "hypercall \(hex(call.number)) of vCPU \(call.vcpu) at instruction \(call.count)"
    guard (Number.initialise...Number.shutdown).contains(call.number) else {
      return
        "\(what), expected a number from \(hex(Number.initialise)) to \(hex(Number.shutdown))"
    }
    if isShutDown, call.number != Number.exit { return "\(what) after GI_SHUTDOWN, expected none but GI_EXIT" }
    if call.number == Number.initialise {
      defer { isInitialised = true }
      return isInitialised ? "\(what), expected one GI_INIT" : nil
    }
    guard isInitialised else { return "\(what) before GI_INIT, expected GI_INIT first" }
    switch call.number {
    case Number.enter:
      defer { windows[call.vcpu] = .open }
      return windows[call.vcpu] == .open ? "\(what) inside integrity mode, expected GI_EXIT first" : nil
    case Number.exit:
      defer { windows[call.vcpu] = .closed }
      return windows[call.vcpu] == .closed ? "\(what) outside integrity mode, expected GI_ENTER first" : nil
    case Number.query: return nil
    default:
      let isOpen = windows[call.vcpu] == .open
      if call.number == Number.shutdown { isShutDown = isOpen }
      return isOpen ? nil : "\(what) outside integrity mode, expected it between GI_ENTER and GI_EXIT"
    }
  }
}
