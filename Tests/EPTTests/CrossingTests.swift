import Testing

@Suite("Accesses that cross a page")
struct CrossingTests {
  /// Two linear pages at 9000 and a000 of a guest in this mode, of which EPT makes what it is told; guest-physical addresses are the same.
  private static func world(_ mode: String, low: UInt64, high: UInt64, _ settings: String = "") -> Session {
    let cr3 = ["5": "0x11000", "4": "0x12000"][mode] ?? "0x14000"
    var session = Session(
      "w64 1000 2007", "w64 2000 3007", "w64 3000 4007", "eptp 101e", "reg mode=\(mode) cr3=\(cr3)", settings)
    for page in UInt64(0)..<0x20 { session.put(0x4000 + page * 8, page << 12 | 0x37) }
    session.put(0x4000 + 9 * 8, 0x9000 | low | 0x30)
    session.put(0x4000 + 10 * 8, 0xa000 | high | 0x30)
    session.put(0x11000, 0x12067)
    session.put(0x12000, 0x13067)
    session.put(0x13000, 0x14067)
    session.put(0x14000, 0x15067)
    _ = session.send("pdpte 0 14001")
    for page in UInt64(0)..<0x20 {
      if mode == "32" {
        let address = 0x15000 + page / 2 * 8
        session.put(address, session.word(address) | (page << 12 | 0x67) << (page % 2 * 32))
      } else {
        session.put(0x15000 + page * 8, page << 12 | 0x67)
      }
    }
    return session
  }

  @Test("are refused by the page that does not allow them, with the address of their first byte there")
  func rights() {
    Claims.table("crossing accesses") {
      let needs: [(String, UInt64, UInt64)] = [("r", 1, 1), ("w", 2, 2), ("x", 4, 4), ("rw", 3, 2)]
      for mode in ["off", "32", "pae", "4", "5"] {
        for low in [1, 3, 5, 7] as [UInt64] {
          for high in [1, 3, 5, 7] as [UInt64] {
            for order in ["low", "high"] {
              var session = Self.world(mode, low: low, high: high, "policy crossing=\(order)")
              for (kind, need, reported) in needs {
                for size in [2, 8, 4096] {
                  let first = UInt64(0xa000 - size / 2)
                  let fails = [low & need != need, high & need != need]
                  // The first that fails, in the order of the policy.
                  let failing = order == "low" ? fails.firstIndex(of: true) : fails.lastIndex(of: true)
                  var expected = "OK hpa=\(hex(first))"
                  if let failing {
                    let place = failing == 0 ? first : 0xa000
                    let qualification = 0x780 | reported | (failing == 0 ? low : high) << 3
                    expected = "VIOL qual=\(hex(qualification)) gpa=\(hex(place)) gla=\(hex(place))"
                  }
                  let answer = session.ask("la \(hex(first)) \(kind) user=1 size=\(size)")
                  claim(
                    answer == expected,
                    "\(kind) of \(size), \(mode), \(low), \(high), \(order): \(answer), not \(expected)")
                }
                claim(
                  session.ask("la 9fff \(kind) user=1").hasPrefix("OK") == (low & need == need),
                  "one byte, \(kind), \(low)")
              }
            }
          }
        }
      }
    }
  }

  @Test("keep what the half before the refused one has stored")
  func stores() {
    Claims.table("stores of crossing accesses") {
      var session = Self.world("4", low: 7, high: 5)
      session.put(0x15048, 0x9007)
      session.put(0x15050, 0xa007)
      claim(
        session.send("la 9ffc w size=8 user=1")
          == "VIOL qual=7aa gpa=a000 gla=a000 |W 15048=9067 |pml=1ff", "the low page's flags stay")
      _ = session.send("policy crossing=high")
      session.put(0x15048, 0x9007)
      claim(
        session.send("la 9ffc w size=8 user=1") == "VIOL qual=7aa gpa=a000 gla=a000 |W |pml=1ff", "high first")
    }
  }

  @Test("wrap at 32 bits where addresses have 32, at 64 where they have 64")
  func wrapping() {
    Claims.table("wrapping") {
      for mode in ["off", "32", "pae"] {
        var session = Session("reg mode=\(mode)", "ctl ept=0")
        if mode == "32" {
          for line in ["w64 0 83", "w64 ff8 8300000000"] { _ = session.send(line) }
        }
        if mode == "pae" {
          for line in ["pdpte 0 1001", "pdpte 3 1001", "w64 1000 83", "w64 1ff8 83"] { _ = session.send(line) }
        }
        let offset: UInt64 = mode == "off" ? 0xffff_fffe : mode == "32" ? 0x3f_fffe : 0x1f_fffe
        claim(session.ask("la fffffffe r size=4") == "OK hpa=\(hex(offset))", "mode \(mode)")
        claim(session.ask("la 1fffffffe r size=4") == "OK hpa=\(hex(offset))", "mode \(mode), bits 63:32 dropped")
      }
      for (mode, cr3) in [("4", "0x12000"), ("5", "0x11000")] {
        var session = Session("ctl ept=0", "reg mode=\(mode) cr3=\(cr3)")
        for (table, below) in [(0x11000, 0x12003), (0x12000, 0x13003), (0x13000, 0x83)] as [(UInt64, UInt64)] {
          session.put(table, below)
          session.put(table + 0xff8, below)
        }
        claim(session.ask("la fffffffffffffffe r size=4") == "OK hpa=3ffffffe", "mode \(mode)")
      }
    }
  }

  @Test("fault at the ends of the canonical addresses, whichever end is not one, before anything is read")
  func canonicalAddresses() {
    Claims.table("canonical addresses") {
      for (mode, width) in [("4", UInt64(48)), ("5", 57)] {
        var session = Session("reg mode=\(mode)", "trace 1")
        let edge = UInt64(1) << (width - 1)
        for (address, size, isGood) in [
          (edge - 1, 1, true), (edge - 1, 2, false), (edge - 4096, 4096, true), (edge - 4095, 4096, false),
          (edge, 1, false), (0 &- edge, 1, true), (0 &- edge &- 1, 1, false), (0 &- edge &- 1, 2, false),
          (1 << 63, 1, false), (~0, 1, true), (~0, 2, true), (edge << 1, 1, false),
        ] as [(UInt64, Int, Bool)] {
          for kind in ["r", "w", "x", "rw"] {
            for (stack, word) in [(0, "GP"), (1, "SS")] {
              let answer = session.send("la \(hex(address)) \(kind) size=\(size) stack=\(stack)")
              let isRefused = answer == "\(word) |W |pml=1ff"
              claim(isRefused != isGood, "\(hex(address)), \(size), \(kind), mode \(mode): \(answer)")
            }
          }
        }
      }
      for mode in ["off", "32", "pae"] {
        var session = Session("reg mode=\(mode)")
        claim(!session.send("la 8000000000000000 r").hasPrefix("GP"), "mode \(mode)")
      }
    }
  }

  @Test("ask for every sub-page they touch in one page, and have none in two")
  func subPages() {
    Claims.table("sub-pages by size") {
      var session = Self.world("4", low: 7 | 0x400, high: 7 | 0x400, "ctl spp=1")
      for (address, value) in [(0x40000, 0x41001), (0x41000, 0x42001), (0x42000, 0x43001)] as [(UInt64, UInt64)] {
        session.put(address, value)
      }
      _ = session.send("spptp 40000")
      for page in [UInt64(9), 10] { session.put(0x4000 + page * 8, page << 12 | 0x35 | 1 << 61) }
      session.put(0x43000 + 10 * 8, 0x5555_5555_5555_5555)
      for subPage in UInt64(0)..<32 {
        session.put(0x43000 + 9 * 8, 0x5555_5555_5555_5555 & ~(1 << (2 * subPage)))
        let (start, end) = (0x9000 + subPage * 128, 0x9000 + subPage * 128 + 128)
        for command in ["gpa", "la"] {
          for (address, size, isGood) in [
            (start, 1, false), (end - 1, 1, false), (start - 1, 1, subPage > 0), (start - 1, 2, false),
            (end, 1, subPage < 31), (end - 1, 2, false), (0x9000, Int(subPage) * 128, true),
            (0x9000, Int(subPage) * 128 + 1, false), (0x9000, 4096, false),
          ] as [(UInt64, Int, Bool)] where size > 0 && address >= 0x9000 && address + UInt64(size) <= 0xa000 {
            let answer = session.ask("\(command) \(hex(address)) w size=\(size)")
            claim(answer == "OK hpa=\(hex(address)) spp" || !isGood, "\(hex(address)), \(size): \(answer)")
            claim(answer.hasPrefix("VIOL") || isGood, "\(hex(address)), \(size): \(answer)")
          }
        }
      }
      session.put(0x43000 + 9 * 8, 0x5555_5555_5555_5555)
      _ = session.send("trace 1")
      let answer = session.send("la 9ffc w size=8")
      claim(answer.hasPrefix("VIOL qual=7aa gpa=9ffc gla=9ffc"), "no half of a crossing write: \(answer)")
      claim(!answer.contains(" spp "), "the table is not read")
    }
  }
}
