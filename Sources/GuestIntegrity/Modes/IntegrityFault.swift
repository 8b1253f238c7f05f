/// Why integrity mode ended without GI_EXIT.
public enum IntegrityFault: Int32, CaseIterable, Hashable, Sendable {
  /// An instruction was to be fetched outside GI code.
  case foreignFetch = 1
  /// An exception was raised in the driver.
  case exception = 2
  /// The driver, or what ran in its place, was to write a control register.
  case controlRegisterWrite = 3
  /// The time budget is used up.
  case budgetOverrun = 4
  /// A non-maskable interrupt arrived.
  case nonMaskableInterrupt = 5
}

extension IntegrityFault: CustomStringConvertible {
  /// What happened, in a few words.
  public var description: String {
    switch self {
    case .foreignFetch: "an instruction outside GI code"
    case .exception: "an exception"
    case .controlRegisterWrite: "a write to a control register"
    case .budgetOverrun: "the time budget is used up"
    case .nonMaskableInterrupt: "a non-maskable interrupt"
    }
  }
}
