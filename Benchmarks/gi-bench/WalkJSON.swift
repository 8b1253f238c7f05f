import Addresses
import EPT
import Foundation

/// An explanation as JSON, keys sorted, numbers in hexadecimal as strings.
struct WalkJSON: Encodable {
  private let schema = 1
  private let eptp: String
  private let eptpFaults: [String]
  private let references: [Reference]
  private let outcome: Outcome
  private let writes: [Write]

  private struct Reference: Encodable {
    let number: Int
    let kind: String
    let level: Int
    let address: String
    let value: String
    let fields: [Field]
    let faults: [String]
  }

  private struct Field: Encodable {
    let bits: String
    let name: String
    let value: String
    let meaning: String?
  }

  private struct Outcome: Encodable {
    let kind: String
    var hpa: String?
    var gpa: String?
    var gla: String?
    var qualification: String?
    var qualificationBits: [Bit]?
    var errorCode: String?
    var bySubPage: Bool?
    var memoryType: String?
  }

  private struct Bit: Encodable {
    let bit: Int
    let value: Int
    let meaning: String
  }

  private struct Write: Encodable {
    let address: String
    let value: String
  }

  init(_ explanation: WalkExplanation) {
    eptp = hex(explanation.pointer.rawValue)
    eptpFaults = explanation.pointerFaults
    references = explanation.steps.map { step in
      Reference(
        number: step.number, kind: step.reference.kind.name, level: Int(step.reference.level),
        address: hex(step.reference.address.rawValue), value: hex(step.reference.value),
        fields: step.fields.map { field in
          Field(
            bits: "\(field.high):\(field.low)", name: field.name, value: hex(field.value), meaning: field.meaning)
        }, faults: step.faults)
    }
    outcome = Self.outcome(explanation.outcome)
    writes = explanation.writes.map {
      Write(address: hex($0.address.rawValue), value: hex($0.value))
    }
  }

  var text: String {
    get throws {
      let encoder = JSONEncoder()
      encoder.keyEncodingStrategy = .convertToSnakeCase
      encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
      return String(decoding: try encoder.encode(self), as: UTF8.self) + "\n"
    }
  }

  private static func outcome(_ outcome: TranslationOutcome) -> Outcome {
    switch outcome {
    case .translated(let translation):
      Outcome(
        kind: "translated", hpa: hex(translation.hpa.rawValue), gpa: hex(translation.gpa.rawValue),
        bySubPage: translation.bySubPage, memoryType: translation.memoryType?.name)
    case .violation(let violation): denied("violation", violation)
    case .virtualizationException(let violation): denied("virtualizationException", violation)
    case .misconfiguration(let misconfiguration):
      Outcome(kind: "misconfiguration", gpa: hex(misconfiguration.gpa.rawValue))
    case .sppEvent(let event):
      Outcome(
        kind: event.qualification.contains(.subPageMiss) ? "sppMiss" : "sppMisconfiguration",
        gpa: hex(event.gpa.rawValue), gla: hex(event.gla.rawValue), qualification: hex(event.qualification.rawValue))
    case .pmlFull(let full): Outcome(kind: "pmlFull", qualification: hex(full.qualification.rawValue))
    case .pageFault(let fault):
      Outcome(kind: "pageFault", gla: hex(fault.gla.rawValue), errorCode: hex(UInt64(fault.code)))
    case .notCanonical(let linear): Outcome(kind: "notCanonical", gla: hex(linear.rawValue))
    }
  }

  private static func denied(_ kind: String, _ violation: EPTViolation) -> Outcome {
    let bits = violation.qualification.rawValue
    return Outcome(
      kind: kind, gpa: hex(violation.gpa.rawValue), gla: hex(violation.gla.rawValue), qualification: hex(bits),
      qualificationBits: ExitQualification.meanings.map { bit, set, clear in
        let value = Int(bits >> UInt64(bit) & 1)
        return Bit(bit: bit, value: value, meaning: value == 1 ? set : clear)
      })
  }
}
