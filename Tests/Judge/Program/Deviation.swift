/// Where Bochs 2.7 departs from the manual, by name. `Tests/JudgeTests/Rulings.swift` holds for each what the manual says.
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
  /// The EPT rule for supervisor shadow stacks (EPTP bit 7) is reported, but not applied.
  case supervisorStackRule = "supervisor-stack-rule"
  /// No deviation: bit 14 of the qualification is undefined if the walk reached no page, and Bochs has it from the last entry.
  case bit14Undefined = "bit-14-undefined"
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
  /// The words that either changed.
  let words: [ChangedWord]
  /// Memory before the query, as Bochs has it.
  let memory: [UInt64: UInt64]
  /// The last entry with bit 7 set that the script wrote.
  let lastEntry: UInt64
  /// The EPT pointer in force.
  let pointer: UInt64

  /// It keeps accessed and dirty flags.
  private var keepsFlags: Bool { pointer & 0x40 != 0 }

  /// The deviations that together explain the whole of the difference; nil if something is left over.
  var deviations: Set<Deviation>? {
    if let cause = Deviation.allCases.first(where: explainsAnswer) { return [cause] }
    guard ours.log == theirs.log, let head = explanationOfHead else { return nil }
    var found = head
    for word in words where !word.isSame {
      guard let causes = explanation(of: word) else { return nil }
      found.formUnion(causes)
    }
    return found
  }

  /// Whether a deviation leads to another answer, whatever follows from it.
  private func explainsAnswer(_ deviation: Deviation) -> Bool {
    switch deviation {
    case .largePageBit12:
      // Bits 12 and 7 set, and Bochs translates by the entry as if bit 12 were clear.
      return ours.kind == "MISC" && lastEntry & 0x1080 == 0x1080 && (theirs.kind == "OK" || theirs.kind == "VIOL")
    case .logFullWithoutFlag:
      // Ours may go on to set flags of the guest, but none of EPT.
      return theirs.kind == "PMLFULL" && ours.log == theirs.log && (UInt64(ours.log, radix: 16) ?? 0) > 511
        && (ours.kind != "PMLFULL" || !ourChanges.isEmpty)
        && differ { word in
          word.ours == word.theirs | word.ours & 0x60 || word.isInformation
            || (word.isLog && word.ours == word.theirs & ~0xfff)
        }
    case .guestFlagsUnchecked:
      // Ours ends in a violation by the store of a flag; Bochs has stored it.
      let reported = ours.kind == "VE" ? ourChanges[ScriptWriter.Place.information + 8] : ours.field("qual")
      guard !keepsFlags, let reported, reported & 0x103 == 3, !theirChanges.isEmpty else { return false }
      return theirChanges.allSatisfy { $0.value & ~0x60 == memory[$0.key, default: 0] & ~0x60 }
    case .vectorOddBits:
      guard ours.kind == "SPP", ours.field("qual") == 0, theirs.kind != "SPP", let gpa = ours.field("gpa") else {
        return false
      }
      return memory[ScriptWriter.Place.subPageRoot + 0x3000 + gpa >> 9 & ~7, default: 0] & 0xaaaa_aaaa_aaaa_aaaa != 0
    case .supervisorStackRule:
      return pointer & 0x80 != 0 && query.contains(" sss=1") && query.split(separator: " ")[2].hasPrefix("s")
        && [ours.kind, theirs.kind].allSatisfy { ["OK", "VIOL", "VE", "PMLFULL"].contains($0) }
    case .logWithOffset, .indexOfLastSwitch, .walkWithoutRead, .bit14Undefined: return false
    }
  }

  /// What explains the difference of the heads; empty if there is none.
  private var explanationOfHead: Set<Deviation>? {
    if ours.head == theirs.head { return [] }
    guard ours.kind == theirs.kind, ours.field("gpa") == theirs.field("gpa"), ours.field("gla") == theirs.field("gla"),
      let a = ours.field("qual"), let b = theirs.field("qual")
    else { return nil }
    return explanation(of: a, b)
  }

  /// What explains that a violation has another qualification; nil if it is not explained whole.
  private func explanation(of ours: UInt64, _ theirs: UInt64) -> Set<Deviation>? {
    var bits = ours ^ theirs
    var found: Set<Deviation> = []
    if bits & 1 != 0 && keepsFlags && ours & 0x103 == 3 {
      bits &= ~1
      found.insert(.walkWithoutRead)
    }
    if bits & 0x4000 != 0 && pointer & 0x80 != 0 && ours & 0x38 == 0 {
      bits &= ~0x4000
      found.insert(.bit14Undefined)
    }
    return bits == 0 ? found : nil
  }

  /// What explains that a word is not the same.
  private func explanation(of word: ChangedWord) -> Set<Deviation>? {
    if word.isLog && word.ours & ~0xfff == word.theirs & ~0xfff { return [.logWithOffset] }
    if word.address == ScriptWriter.Place.information + 8 { return explanation(of: word.ours, word.theirs) }
    if word.address == ScriptWriter.Place.information + 32 && word.ours & ~0xffff == word.theirs & ~0xffff {
      return [.indexOfLastSwitch]
    }
    return nil
  }

  /// Whether every word that ends up otherwise does so in an allowed way.
  private func differ(_ allowed: (ChangedWord) -> Bool) -> Bool { words.allSatisfy { $0.isSame || allowed($0) } }

  /// Whether memory is no longer the same for both, beyond the log and the information area.
  var divides: Bool { !differ { $0.isLog || $0.isInformation } }
}

/// A word that one of the two has changed, as both have it now.
struct ChangedWord {
  let address: UInt64
  let ours: UInt64
  let theirs: UInt64

  init(_ address: UInt64, ours: UInt64, theirs: UInt64) {
    (self.address, self.ours, self.theirs) = (address, ours, theirs)
  }

  var isSame: Bool { ours == theirs }
  var isLog: Bool { address & ~0xfff == ScriptWriter.Place.log }
  var isInformation: Bool { address & ~0xfff == ScriptWriter.Place.information }
}
