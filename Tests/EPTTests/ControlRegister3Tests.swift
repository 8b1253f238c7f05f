import Testing

@Suite("MOV to CR3 and the PDPTE registers")
struct ControlRegister3Tests {
  private static let reserved = [1, 2, 5, 6, 7, 8]

  @Test("refuse reserved bits of the value, and drop what 32-bit modes have not")
  func values() {
    Claims.table("values of CR3") {
      for width in [36, 46, 52] {
        for mode in ["4", "5"] {
          for bit in 0..<64 {
            var session = Session("cap maxpa=\(width)", "reg mode=\(mode) cr3=0x7000")
            let answer = session.ask("movcr3 \(hex(1 << UInt64(bit)))")
            claim(answer == (bit < width ? "OK" : "GP"), "bit \(bit) of \(width), mode \(mode): \(answer)")
            let expected: UInt64 = bit < width ? 1 << UInt64(bit) : 0x7000
            claim(session.script.machine.guest.cr3 == expected, "CR3 after bit \(bit) of \(width)")
          }
        }
        for mode in ["off", "32"] {
          for bit in 0..<64 {
            var session = Session("cap maxpa=\(width)", "reg mode=\(mode) cr3=0x7000")
            claim(session.ask("movcr3 \(hex(1 << UInt64(bit)))") == "OK", "bit \(bit), mode \(mode)")
            claim(session.script.machine.guest.cr3 == (bit < 32 ? 1 << UInt64(bit) : 0), "CR3 after bit \(bit)")
          }
        }
      }
    }
  }

  private static func paeSession(width: Int = 46) -> Session {
    var session = Session(
      "cap maxpa=\(width)", "w64 1000 2007", "w64 2000 3007", "w64 3000 4007", "w64 4048 9037", "eptp 101e",
      "reg mode=pae cr3=0x7000", "pdpte 0 5001", "pdpte 3 6001")
    for number in UInt64(0)..<4 { session.put(0x9020 + 8 * number, (0x21 + number) << 12 | 1) }
    return session
  }

  private static let before: [UInt64] = [0x5001, 0, 0, 0x6001]

  private static func state(_ session: Session) -> [UInt64] {
    let guest = session.script.machine.guest
    return [guest.cr3] + (0..<4).map { guest.pdptes[$0] }
  }

  @Test("load four registers, each checked bit by bit after all are read; a bad one changes nothing")
  func loads() {
    Claims.table("PDPTE loads") {
      for width in [36, 46, 52] {
        for number in UInt64(0)..<4 {
          for bit in 0..<64 {
            var session = Self.paeSession(width: width)
            let value = UInt64(0x2b001) ^ 1 << UInt64(bit)
            session.put(0x9020 + 8 * number, value)
            let isBad = Self.reserved.contains(bit) || bit >= width
            let answer = session.ask("movcr3 9020")
            claim(answer == (isBad ? "GP" : "OK"), "bit \(bit) of register \(number), \(width): \(answer)")
            var loaded: [UInt64] = [0x9020, 0x21001, 0x22001, 0x23001, 0x24001]
            loaded[Int(number) + 1] = value
            claim(Self.state(session) == (isBad ? [0x7000] + Self.before : loaded), "state after bit \(bit)")
            session.put(0x9020 + 8 * number, value & ~1)
            claim(session.ask("movcr3 9020") == "OK", "an absent one has no reserved bits, bit \(bit)")
            let line = session.send("pdpte \(number) \(hex(value))")
            claim(line.hasPrefix("ERR") == isBad && (isBad || line.isEmpty), "set directly, bit \(bit): \(line)")
          }
        }
      }
    }
  }

  @Test("load by reads without a linear address: reads even with EPT's flags; an exit changes nothing")
  func exits() {
    Claims.table("exits of PDPTE loads") {
      for (entry, answer) in [
        (0x9037, "OK"), (0x9031, "OK"), (0x9034, "VIOL qual=21 gpa=9020 gla=0"), (0, "VIOL qual=1 gpa=9020 gla=0"),
        (0x9032, "MISC gpa=9020"),
      ] as [(UInt64, String)] {
        for flags in [false, true] {
          var session = Self.paeSession()
          session.put(0x4048, entry)
          if flags { _ = session.send("eptp 105e") }
          let all = session.send("movcr3 9020")
          claim(all.hasPrefix(answer + " |W"), "leaf \(hex(entry)), flags \(flags): \(all)")
          if answer != "OK" { claim(Self.state(session) == [0x7000] + Self.before, "nothing changed") }
          if flags && answer == "OK" {
            claim(session.word(0x4048) == entry | 0x100, "accessed, not dirty: \(hex(session.word(0x4048)))")
          }
        }
      }
      var session = Self.paeSession()
      _ = session.send("trace 1")
      let lines = session.send("movcr3 1000009020").split(separator: "\n")
      claim(lines.count == 21, "\(lines.count - 1) references")
      claim(lines[5] == "  ref 5 guest 3 9020 21001", "\(lines[5])")
      _ = session.send("eptp 105e")
      _ = session.send("ctl pml=1")
      _ = session.send("pml 60000 ffff")
      claim(session.ask("movcr3 9020") == "PMLFULL", "a flag to set and no room in the log")
    }
  }

  @Test("serve walks by bits 51:12 and P alone, chosen by bits 31:30")
  func walks() {
    Claims.table("walks from PDPTE registers") {
      for number in UInt64(0)..<4 {
        var session = Session("ctl ept=0", "reg mode=pae", "w64 14000 83")
        for other in UInt64(0)..<4 { _ = session.send("pdpte \(other) \(other == number ? "14001" : "14000")") }
        for other in UInt64(0)..<4 {
          let answer = session.ask("la \(hex(other << 30 | 0x123)) r")
          claim(answer == (other == number ? "OK hpa=123" : "PF ec=0 la=\(hex(other << 30 | 0x123))"), "\(answer)")
        }
        // Bits that have become reserved since are not looked at again.
        _ = session.send("pdpte \(number) 4000014001")
        _ = session.send("cap maxpa=36")
        session.put(0x40_0001_4000, 0x83)
        claim(session.ask("la \(hex(number << 30 | 0x123)) r") == "OK hpa=123", "register \(number)")
      }
    }
  }
}
