/// Where Bochs 2.7 departs from the manual, by name. `Tests/EPTTests/SecondJudgeTests.swift` holds for each what the manual says.
enum Deviation: String, CaseIterable {
  /// Bit 12 of an entry that maps a 2-MiB or 1-GiB page is not taken for reserved.
  case largePageBit12 = "large-page-bit-12"
  /// The modification log gets the address with its offset in the page.
  case logWithOffset = "log-with-offset"
  /// The index beyond 511 is an exit of every access, also of one that has no flag to set.
  case logFullWithoutFlag = "log-full-without-flag"
  /// The information area gets the EPTP index of the last VMFUNC instead of the VMCS's.
  case indexOfLastSwitch = "index-of-last-switch"
  /// While EPT keeps flags, a violation by an access to a guest's table reports a write without a read.
  case walkWithoutRead = "walk-without-read"
  /// The guest's accessed and dirty flags are set in a page that EPT does not let be written.
  case guestFlagsUnchecked = "guest-flags-unchecked"
  /// Odd bits of a sub-page permission vector are not taken for reserved.
  case vectorOddBits = "vector-odd-bits"
}

/// One query with both answers, and what was known before it.
struct Disagreement {
  /// The query.
  let query: String
  /// What gi-bench answers, and the words it changes.
  let ours: Answer
  let ourChanges: [UInt64: UInt64]
  /// What Bochs answers, and the words it changes.
  let theirs: Answer
  let theirChanges: [UInt64: UInt64]
  /// Memory before the query, as Bochs has it.
  let memory: [UInt64: UInt64]
  /// The last entry with bit 7 set that the script wrote.
  let lastEntry: UInt64
  /// The EPT pointer in force keeps accessed and dirty flags.
  let keepsFlags: Bool

  /// The deviation that explains the whole of the difference, if one does.
  var deviation: Deviation? { Deviation.allCases.first(where: explains) }

  private func explains(_ deviation: Deviation) -> Bool {
    switch deviation {
    case .largePageBit12:
      // Bits 12 and 7 set, and Bochs translates by the entry as if bit 12 were clear.
      guard ours.kind == "MISC", lastEntry & 0x1080 == 0x1080 else { return false }
      return theirs.kind == "OK" || theirs.kind == "VIOL"
    case .logWithOffset:
      return ours.head == theirs.head && ours.log == theirs.log && differ(in: isLog) { $0 & ~0xfff == $1 & ~0xfff }
    case .logFullWithoutFlag:
      return theirs.kind == "PMLFULL" && ours.kind != "PMLFULL" && ours.log == theirs.log
        && (UInt64(ours.log, radix: 16) ?? 0) > 511 && ourChanges.isEmpty && theirChanges.isEmpty
    case .indexOfLastSwitch:
      return ours.head == theirs.head && ours.log == theirs.log && differ(in: isIndex) { $0 & ~0xffff == $1 & ~0xffff }
    case .walkWithoutRead:
      guard keepsFlags, ours.log == theirs.log else { return false }
      let reported = ours.head == theirs.head || isWalkWithoutRead(ours.field("qual"), theirs.field("qual"))
      return reported && ours.kind == theirs.kind && ours.field("gpa") == theirs.field("gpa")
        && ours.field("gla") == theirs.field("gla") && differ(in: isQualification) { isWalkWithoutRead($0, $1) }
    case .guestFlagsUnchecked:
      // Ours ends in a violation by the store of a flag; Bochs has stored it.
      guard !keepsFlags, ours.kind == "VIOL", (ours.field("qual") ?? 0) & 0x103 == 3, !theirChanges.isEmpty else { return false }
      return theirChanges.allSatisfy { $0.value & ~0x60 == memory[$0.key, default: 0] & ~0x60 }
    case .vectorOddBits:
      guard ours.kind == "SPP", ours.field("qual") == 0, theirs.kind != "SPP", let gpa = ours.field("gpa") else { return false }
      return memory[ScriptWriter.Place.subPageRoot + 0x3000 + gpa >> 9 & ~7, default: 0] & 0xaaaa_aaaa_aaaa_aaaa != 0
    }
  }

  /// Both say that a guest's table was written, ours that it was read, too.
  private func isWalkWithoutRead(_ ours: UInt64?, _ theirs: UInt64?) -> Bool {
    guard let ours, let theirs else { return false }
    return ours & 0x103 == 3 && theirs == ours & ~1
  }

  private func isQualification(_ address: UInt64) -> Bool { address == ScriptWriter.Place.information + 8 }

  /// Whether memory is no longer the same for both, beyond the log and the information area.
  var divides: Bool { !differ(in: { isLog($0) || $0 & ~0xfff == ScriptWriter.Place.information }) { _, _ in true } }

  private func isLog(_ address: UInt64) -> Bool { address & ~0xfff == ScriptWriter.Place.log }
  private func isIndex(_ address: UInt64) -> Bool { address == ScriptWriter.Place.information + 32 }

  /// Whether the changes differ in such words only, and there only so far as `similar` lets pass.
  private func differ(in isKnown: (UInt64) -> Bool, _ similar: (UInt64, UInt64) -> Bool) -> Bool {
    var addresses = Set(ourChanges.keys)
    addresses.formUnion(theirChanges.keys)
    return addresses.allSatisfy { address in
      let (a, b) = (ourChanges[address], theirChanges[address])
      return a == b || (isKnown(address) && similar(a ?? 0, b ?? 0))
    }
  }
}
