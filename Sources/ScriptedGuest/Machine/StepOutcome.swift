import GuestIntegrity

/// What came of one scripted instruction.
package enum StepOutcome: Hashable, Sendable {
  /// It was executed.
  case done
  /// It was executed, and read this.
  case value(UInt64)
  /// A hypercall was executed, and RAX holds this.
  case answered(HypercallResult)
  /// Its store was not performed, and the guest went on behind it.
  case blocked
  /// An exception was raised: its vector. RIP stands at the instruction.
  case fault(UInt8)
  /// The machine is suspended or powered off.
  case stopped

  /// Whether the instruction did what it was to do.
  package var isDone: Bool {
    switch self {
    case .done, .value: true
    case .answered(let result): result.isSuccess
    case .blocked, .fault, .stopped: false
    }
  }
}

extension UInt8 {
  /// #UD, invalid opcode.
  static var undefinedOpcode: Self { 6 }
  /// #GP, general protection.
  static var generalProtection: Self { 13 }
  /// #PF, page fault.
  static var pageFault: Self { 14 }
}
