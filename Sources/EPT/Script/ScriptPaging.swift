import Addresses

/// Lines about the guest's paging.
extension WalkScript {
  /// A PDPTE register, set as VM entry does; answers nothing.
  mutating func setPDPTE(_ line: ScriptLine) throws(ScriptError) {
    try line.expect("N", "VALUE")
    let (number, value) = (try line.hex(1, "N"), try line.hex(2, "VALUE"))
    guard number < 4 else { throw ScriptError("N is \(line.text(1)); expected 0...3") }
    guard machine.capabilities.accepts(pdpte: value) else {
      throw ScriptError(
        "VALUE \(line.text(2)) is present and has a reserved bit (2:1, 8:5, or one beyond MAXPHYADDR); VM entry refuses it"
      )
    }
    machine.guest.pdptes[Int(number)] = value
  }

  /// MOV to CR3: `OK`, `GP`, or why the load of a PDPTE register was refused.
  mutating func moveToCR3(_ line: ScriptLine, _ answer: inout ScriptAnswer) throws(ScriptError) {
    try line.expect("VALUE")
    let value = try line.hex(1, "VALUE")
    watched(&answer) { machine, log, answer in
      let (outcome, stale) = machine.moveToCR3(checking: value, &log)
      switch outcome {
      case .loaded: answer.text("OK")
      case .generalProtection: answer.text("GP")
      case .refused(let outcome): answer.outcome(outcome)
      }
      return stale
    }
  }
}

extension ScriptLine {
  /// The keys of `reg` that say how the guest pages; false for another key.
  func setPaging(_ pair: Pair, _ guest: inout GuestState) throws(ScriptError) -> Bool {
    switch pair.key {
    case "mode":
      let modes: [String: PagingMode] = ["off": .off, "32": .bits32, "pae": .pae, "4": .fourLevel, "5": .fiveLevel]
      guard let mode = modes[pair.text] else {
        throw ScriptError("mode is '\(pair.text)'; expected off, 32, pae, 4 or 5")
      }
      guest.mode = mode
    case "pse": guest.pageSizeExtensions = try pair.flag()
    case "pke": guest.protectionKeys = try pair.flag()
    case "pkru": guest.pkru = UInt32(try pair.number(upTo: 0xffff_ffff))
    case "pks": guest.supervisorKeys = try pair.flag()
    case "pkrs": guest.pkrs = UInt32(try pair.number(upTo: 0xffff_ffff))
    case "cet": guest.shadowStacks = try pair.flag()
    case "pat":
      let value = try pair.number()
      for shift in stride(from: UInt64(0), to: 64, by: 8) where ![0, 1, 4, 5, 6, 7].contains(value >> shift & 255) {
        throw ScriptError("pat has \(value >> shift & 255) in byte \(shift / 8); expected 0, 1, 4, 5, 6 or 7")
      }
      guest.pat = value
    default: return false
    }
    return true
  }
}
