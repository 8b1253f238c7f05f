import Addresses

/// One access told step by step: every entry read with its fields, the outcome, each bit of the qualification in words, every store.
package struct WalkExplanation: Sendable {
  /// One entry that was read.
  package struct Step: Sendable {
    /// Number of the reference, from 1.
    package let number: Int
    /// Whose entry, its level, where it lies and what it held.
    package let reference: ReferenceLog.Reference
    /// The entry's name in the manual.
    package let name: String
    /// The named fields, bit 63 first.
    package let fields: [EntryField]
    /// Why the entry ends the walk badly, if it does.
    package let faults: [String]
  }

  /// The entries in the order they were read.
  package let steps: [Step]
  /// What became of the access.
  package let outcome: TranslationOutcome
  /// The stores that the processor made by itself.
  package let writes: [ReferenceLog.Write]
  /// The pointer in force, with its faults if VM entry would refuse it.
  package let pointer: EPTPointer
  /// One sentence a fault of the pointer.
  package let pointerFaults: [String]
  /// Entries have execute permissions by mode (bit 10).
  package let usesModes: Bool
  /// The walk of EPT has five levels.
  package let hasFiveLevels: Bool
}

extension EPTMachine {
  /// Makes an access and tells how it went.
  package mutating func explained(_ target: StaleTranslation.Target) -> WalkExplanation {
    var log = ReferenceLog()
    let outcome = examined(target, &log).outcome
    let steps = log.references.enumerated().map { explain($0.offset + 1, $0.element) }
    return WalkExplanation(
      steps: steps, outcome: outcome, writes: log.writes, pointer: eptp,
      pointerFaults: eptp.faults(on: capabilities).map(\.sentence), usesModes: regime.rules.modeBasedExecute,
      hasFiveLevels: regime.hasFiveLevels)
  }

  private func explain(_ number: Int, _ reference: ReferenceLog.Reference) -> WalkExplanation.Step {
    let level = Level(rawValue: reference.level) ?? .pte
    var faults: [String] = []
    let fields: [EntryField]
    let name: String
    switch reference.kind {
    case .ept:
      let entry = EPTEntry(reference.value)
      name = level.entryName
      fields = regime.fields(of: entry, at: level)
      switch regime.rules.decode(entry, at: level) {
      case .notPresent: faults = ["not present"]
      case .misconfigured(let reasons): faults = reasons.sentences
      case .table, .page: break
      }
    case .guest:
      let width = capabilities.physicalAddressWidth
      name = "guest " + level.entryName.dropFirst(4)
      let paging = GuestPaging(guest, capabilities)
      fields = paging.fields(of: GuestEntry(reference.value), at: level, width)
      if reference.value & 1 == 0 {
        faults = ["not present"]
      } else if fields.contains(where: { $0.name == "reserved" && $0.value != 0 }) {
        faults = ["a reserved bit is set"]
      }
    case .subPage:
      name = level == .pte ? "sub-page permission vector" : "SPPL\(reference.level)E"
      fields = subPageFields(reference.value, level)
      let reserved = fields.contains { $0.name.hasPrefix("reserved") && $0.value != 0 }
      if level != .pte && reference.value & 1 == 0 {
        faults = ["not valid"]
      } else if reserved || (level == .pte && reference.value & 0xaaaa_aaaa_aaaa_aaaa != 0) {
        faults = ["a reserved bit is set"]
      }
    }
    return WalkExplanation.Step(number: number, reference: reference, name: name, fields: fields, faults: faults)
  }

  private func subPageFields(_ value: UInt64, _ level: Level) -> [EntryField] {
    if level == .pte { return [EntryField(63, 0, "writable sub-pages, bit 2S for sub-page S", of: value)] }
    let m = Int(capabilities.physicalAddressWidth.bits)
    return [
      EntryField(63, m, "reserved", of: value), EntryField(m - 1, 12, "table address", of: value),
      EntryField(11, 1, "reserved", of: value), EntryField(0, 0, "valid", of: value),
    ]
  }
}

extension EPTPointer.Fault {
  /// What is wrong, in words.
  package var sentence: String {
    switch self {
    case .memoryType(let type):
      "bits 2:0 are \(type), not a memory type that this processor offers for EPT structures (0 UC, 6 WB)"
    case .walkLength(let length):
      "bits 5:3 are \(length), not a page-walk length that this processor offers (3 for 4 levels, 4 for 5)"
    case .accessedDirty: "bit 6 is set and this processor has no accessed and dirty flags for EPT"
    case .supervisorShadowStack: "bit 7 is set and this processor has no supervisor shadow-stack control"
    case .reservedLow(let bits): "reserved bits 11:8 are set (\(hex(bits)))"
    case .reservedHigh(let bits): "bits beyond MAXPHYADDR are set (\(hex(bits)))"
    }
  }
}
