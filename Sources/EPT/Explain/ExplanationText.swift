import Addresses

/// The explanation as lines of text.
extension WalkExplanation {
  /// All lines, without line ends.
  package var lines: [String] {
    var lines = [
      "EPTP \(hex(pointer.rawValue)): \(hasFiveLevels ? "PML5" : "PML4") table at \(hex(pointer.root.rawValue)), \(pointerFlags)"
    ]
    lines += pointerFaults.map { "  VM entry would refuse this pointer: \($0)" }
    for step in steps {
      lines.append("")
      lines.append(
        "\(step.number). \(step.name) at \(hex(step.reference.address.rawValue)) = \(hex(step.reference.value))")
      lines += wrapped(step.fields.filter { !$0.isSilent }.map(\.description))
      lines += step.faults.map { "   => \($0)" }
    }
    lines.append("")
    lines += outcomeLines
    if !writes.isEmpty {
      lines.append("stored by the processor:")
      lines += writes.map { "  \(hex($0.address.rawValue)) = \(hex($0.value))  (\($0.kind.words))" }
    }
    return lines
  }

  private var pointerFlags: String {
    "accessed and dirty flags \(pointer.enablesAccessedDirty ? "enabled" : "disabled")"
      + (pointer.enforcesSupervisorShadowStack ? ", supervisor shadow-stack control" : "")
  }

  /// Fields joined by commas, in lines of at most 110 columns.
  private func wrapped(_ parts: [String]) -> [String] {
    var lines: [String] = []
    var line = ""
    for part in parts {
      if !line.isEmpty && line.count + part.count > 105 {
        lines.append("   " + line + ",")
        line = ""
      }
      line += (line.isEmpty ? "" : ", ") + part
    }
    return lines + ["   " + line]
  }

  private var outcomeLines: [String] {
    switch outcome {
    case .translated(let translation):
      let how = translation.bySubPage ? ", allowed by a sub-page permission" : ""
      return [
        "outcome: translated to host-physical \(hex(translation.hpa.rawValue)) (rights \(translation.rights)\(how))"
          + (translation.memoryType.map { ", memory type \($0.name)" } ?? "")
      ]
    case .violation(let violation):
      return ["outcome: EPT violation, VM exit with reason 48"] + violationLines(violation)
    case .virtualizationException(let violation):
      return ["outcome: EPT violation, delivered to the guest as #VE (vector 20)"] + violationLines(violation)
    case .misconfiguration(let misconfiguration):
      return [
        "outcome: EPT misconfiguration, VM exit with reason 49",
        "  guest-physical address \(hex(misconfiguration.gpa.rawValue)), exit qualification 0",
      ]
    case .sppEvent(let event):
      let isMiss = event.qualification.contains(.subPageMiss)
      return [
        "outcome: \(isMiss ? "SPP miss" : "SPP misconfiguration"), VM exit with reason 66",
        "  exit qualification \(hex(event.qualification.rawValue)), guest-physical address \(hex(event.gpa.rawValue)), "
          + "guest-linear address \(hex(event.gla.rawValue))",
      ]
    case .pmlFull(let full):
      return [
        "outcome: page-modification log full, VM exit with reason 62: no flag was set, the access was not done",
        "  exit qualification \(hex(full.qualification.rawValue))",
      ]
    case .pageFault(let fault):
      return ["outcome: page fault in the guest, error code \(hex(UInt64(fault.code))), CR2 \(hex(fault.gla.rawValue))"]
        + Self.faultBits.map { bit, set, clear in
          "  bit \(bit)  \(fault.code >> UInt32(bit) & 1)  \(fault.code >> UInt32(bit) & 1 != 0 ? set : clear)"
        }
    case .notCanonical(let linear):
      return [
        "outcome: linear address \(hex(linear.rawValue)) is not canonical: #GP before any translation, #SS for a stack"
      ]
    }
  }

  private func violationLines(_ violation: EPTViolation) -> [String] {
    let bits = violation.qualification.rawValue
    var lines = [
      "  exit qualification \(hex(bits)), guest-physical address \(hex(violation.gpa.rawValue)), "
        + "guest-linear address \(hex(violation.gla.rawValue))"
    ]
    lines += denials(violation).map { "  denied: \($0)" }
    for (bit, set, clear) in ExitQualification.meanings {
      let isSet = bits >> UInt64(bit) & 1 != 0
      let number = bit < 10 ? " \(bit)" : "\(bit)"
      lines.append("  bit \(number)  \(isSet ? 1 : 0)  \(isSet ? set : clear)")
    }
    return lines
  }

  /// Which entry withholds what the access needed; of the walk of the address that was denied, top down.
  private func denials(_ violation: EPTViolation) -> [String] {
    switch violation.walk.end {
    case .addressTooWide: return ["bits beyond \(hasFiveLevels ? 51 : 47) of the guest-physical address are set"]
    case .notPresent:
      return ["the \(violation.walk.level.entryName) at \(hex(violation.walk.entryAddress.rawValue)) is not present"]
    case .misconfigured, .page: break
    }
    let kind = violation.access.kind
    let needs: [(AccessKind, Int, String)] = [
      (.read, 0, "read"), (.write, 1, "write"),
      (.fetch, usesModes && kind.contains(.userAddress) ? 10 : 2, "fetch"),
    ]
    let path = steps.reversed().drop { $0.reference.address != violation.walk.entryAddress }
    var entries: [Step] = []
    for step in path where step.reference.kind == .ept {
      entries.append(step)
      if step.reference.level == (hasFiveLevels ? 5 : 4) { break }
    }
    return needs.flatMap { (need, bit, name) -> [String] in
      let isTableWrite = need == .write && violation.qualification.contains(.dataWrite)
      guard kind.contains(need) || isTableWrite else { return [] }
      return entries.reversed().filter { $0.reference.value >> UInt64(bit) & 1 == 0 }.map {
        "\(name) (bit \(bit) is clear in the \($0.name) at \(hex($0.reference.address.rawValue)))"
      }
    }
  }

  /// Number, and meaning when set and when clear, of each bit of a page-fault error code.
  private static let faultBits: [(Int, String, String)] = [
    (0, "a protection violation or a reserved bit", "an entry was not present"), (1, "a write", "not a write"),
    (2, "a user-mode access", "a supervisor-mode access"), (3, "a reserved bit was set", "no reserved bit was set"),
    (4, "an instruction fetch", "not an instruction fetch"), (5, "a protection key", "no protection key"),
    (6, "a shadow-stack access", "not a shadow-stack access"),
  ]
}

extension WriteKind {
  fileprivate var words: String {
    switch self {
    case .guestFlags: "accessed or dirty flag of a guest entry"
    case .modificationLog: "page-modification log"
    case .eptFlags: "accessed or dirty flag of an EPT entry"
    case .exceptionInformation: "virtualization-exception information"
    }
  }
}
