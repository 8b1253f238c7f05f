import Addresses

/// Puts answers of the walk protocol together, byte by byte.
public struct ScriptAnswer: Sendable {
  /// The bytes so far; take and empty them as you like.
  public var bytes: [UInt8] = []

  /// No answer yet.
  public init() {}

  mutating func text(_ text: StaticString) {
    bytes.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  mutating func text(_ text: String) { bytes.append(contentsOf: text.utf8) }

  /// A number in lower-case hexadecimal, without prefix or leading zeros.
  mutating func hex(_ value: UInt64) {
    var shift = (63 - min(63, value.leadingZeroBitCount)) / 4 * 4
    while shift >= 0 {
      let digit = UInt8(truncatingIfNeeded: value >> UInt64(shift) & 15)
      bytes.append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") - 10 + digit)
      shift -= 4
    }
  }

  mutating func field(_ name: StaticString, _ value: UInt64) {
    text(name)
    hex(value)
  }

  mutating func endLine() { bytes.append(UInt8(ascii: "\n")) }

  /// The outcome of a `gpa` or `la` query, without what was written.
  mutating func outcome(_ outcome: TranslationOutcome) {
    switch outcome {
    case .translated(let translation):
      field("OK hpa=", translation.hpa.rawValue)
      if translation.bySubPage { text(" spp") }
      if let type = translation.memoryType { field(" mt=", UInt64(type.rawValue)) }
    case .violation(let violation):
      field("VIOL qual=", violation.qualification.rawValue)
      field(" gpa=", violation.gpa.rawValue)
      field(" gla=", violation.gla.rawValue)
    case .virtualizationException:
      text("VE")
    case .misconfiguration(let misconfiguration):
      field("MISC gpa=", misconfiguration.gpa.rawValue)
    case .sppEvent(let event):
      field("SPP qual=", event.qualification.rawValue)
      field(" gpa=", event.gpa.rawValue)
      field(" gla=", event.gla.rawValue)
    case .pmlFull:
      text("PMLFULL")
    case .pageFault(let fault):
      field("PF ec=", UInt64(fault.code))
      field(" la=", fault.gla.rawValue)
    case .notCanonical: text("GP")
    }
  }

  /// The outcome of a `vmfunc` query, without what was written.
  mutating func outcome(_ outcome: VMFunctionOutcome) {
    switch outcome {
    case .switched(let pointer, let index):
      field("OK eptp=", pointer.rawValue)
      field(" idx=", UInt64(index))
    case .exit: text("VMFUNCEXIT")
    case .undefinedOpcode: text("UD")
    }
  }

  /// What follows the answer to every access: each store in order, and the PML index.
  mutating func effects(_ writes: [ReferenceLog.Write], pmlIndex: UInt16) {
    text(" |W")
    for write in writes {
      text(" ")
      hex(write.address.rawValue)
      field("=", write.value)
    }
    field(" |pml=", UInt64(pmlIndex))
    endLine()
  }

  /// One line a memory reference, numbered from 1.
  mutating func trace(_ references: [ReferenceLog.Reference]) {
    for (index, reference) in references.enumerated() {
      text("  ref \(index + 1) \(reference.kind.name) \(reference.level) ")
      hex(reference.address.rawValue)
      field(" ", reference.value)
      endLine()
    }
  }
}
