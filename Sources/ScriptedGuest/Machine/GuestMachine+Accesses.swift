import Addresses
import EPT
import Execution
import GuestIntegrity

// Accesses of instructions, made or not.
extension GuestMachine {
  /// What an access came to.
  enum Resolution {
    /// The access may go on at this host-physical address.
    case ready(HostPhysicalAddress)
    /// It does not go on, and this is what becomes of the instruction.
    case refused(StepOutcome)
  }

  /// Translates one load or fetch of a vCPU.
  func resolve(_ linear: GuestLinearAddress, _ kind: AccessKind, on vcpu: Int) -> Resolution {
    var access = ScriptedAccess(vcpu: vcpu, linear: linear, kind: kind)
    let ending = execute(&access)
    if case .made = ending { return .ready(access.place) }
    return .refused(StepOutcome(ending))
  }

  /// Stores bytes at a linear address: every page must allow it before any byte is written.
  func perform(_ bytes: [UInt8], at linear: GuestLinearAddress, on vcpu: Int) -> StepOutcome {
    var access = ScriptedAccess(vcpu: vcpu, linear: linear, kind: .write, bytes: bytes)
    return StepOutcome(execute(&access))
  }
}

extension StepOutcome {
  /// What becomes of an instruction whose access ended like this.
  fileprivate init(_ ending: Ending) {
    self =
      switch ending {
      case .made, .completed: .done
      case .blocked(let faultInjected): faultInjected ? .fault(.generalProtection) : .blocked
      case .ended(.pageFault): .fault(.pageFault)
      case .ended(.notCanonical): .fault(.generalProtection)
      case .ended, .stopped: .stopped
      }
  }
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
