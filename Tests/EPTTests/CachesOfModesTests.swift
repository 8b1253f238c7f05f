import Testing

@testable import EPT

@Suite("What is cached in paging modes other than 4-level, and what drops it")
struct CachesOfModesTests {
  /// A guest that caches all it may, with VPID 5. EPT maps the first 2 GByte to themselves, in 1-GiB pages, or 40000000 and on in 2-MiB pages.
  private static func session(mode: String, smallEPT: Bool = false, _ more: String...) -> Session {
    var session = Session(
      "policy cache=maximal", "ctl vpid=5", "eptp 101e", "w64 1000 2007", "w64 2000 b7",
      smallEPT ? "w64 2008 3007" : "w64 2008 400000b7", "reg mode=\(mode) cr3=0x10000 pge=1")
    for index in UInt64(0)..<8 where smallEPT { session.put(0x3000 + index * 8, 0x4000_0000 + index << 21 | 0xb7) }
    for line in more { _ = session.send(line) }
    return session
  }

  /// Where an address leads; nil if it is refused.
  private static func hpa(_ linear: String, _ session: inout Session) -> String? {
    let answer = session.ask("la \(linear) r")
    return answer.hasPrefix("OK hpa=") ? String(answer.dropFirst(7)) : nil
  }

  @Test("a 4-MByte page goes as a whole, whichever of its halves is named, and is used as a whole")
  func fourMegabytes() {
    Claims.table("4-MByte pages") {
      for smallEPT in [false, true] {
        for (operation, drops) in [
          ("vmexit", false), ("invlpg 400000", true), ("invlpg 7ff123", true), ("invlpg 5ff000", true),
          ("invlpg ffffffff00600000", true), ("invlpg 800000", false), ("invlpg 3ff000", false),
          ("invpcid 0 0 7ff000", true), ("invpcid 0 0 800000", false), ("invvpid 0 5 600000", true),
          ("invvpid 0 6 600000", false), ("movcr3 10000", true), ("invpcid 3 0 0", true),
        ] {
          // Entry 1 of the directory is the upper half of the first quadword.
          var session = Self.session(mode: "32", smallEPT: smallEPT, "w64 10000 404000e700000000")
          let what = "\(operation), EPT of \(smallEPT ? "2 MiB" : "1 GiB")"
          claim(Self.hpa("400010", &session) == "40400010", "\(what): one half")
          if smallEPT { claim(Self.hpa("7ff010", &session) == "407ff010", "\(what): and the other") }
          _ = session.send("w64 10000 408000e700000000")
          claim(Self.hpa("7ff010", &session) == "407ff010", "\(what): what one half cached serves the other")
          _ = session.send(operation)
          claim((Self.hpa("400010", &session) == "40800010") == drops, "\(what): the lower half")
          claim((Self.hpa("7ff010", &session) == "40bff010") == drops, "\(what): the upper half")
        }
      }
    }
  }

  @Test("an entry of a 32-bit page directory serves 4 MByte, and INVLPG of any address drops it")
  func directories() {
    Claims.table("entries of 32-bit directories") {
      for (operation, drops) in [
        ("vmexit", false), ("invlpg 800000", true), ("invvpid 0 5 400000", true), ("invvpid 0 5 7ff000", true),
        ("invvpid 0 5 800000", false), ("invvpid 1 6 0", false), ("invpcid 0 0 600000", true),
      ] {
        // Entry 1 refers to the table at 11000 and later to that at 12000; their entries 0 and 513 map pages.
        var session = Self.session(
          mode: "32", "w64 10000 1106700000000", "w64 11000 20067", "w64 11800 2106700000000", "w64 12000 30067",
          "w64 12800 3106700000000")
        claim(Self.hpa("400010", &session) == "20010", "\(operation): cached")
        _ = session.send("w64 10000 1206700000000")
        _ = session.send(operation)
        claim(Self.hpa("601010", &session) == (drops ? "31010" : "21010"), "\(operation): through the other half")
      }
    }
  }

  @Test("INVVPID names an address as the guest's mode has it: 57 bits with 5-level paging, else 48")
  func canonicalOperands() {
    Claims.table("canonical operands") {
      for mode in ["off", "32", "pae", "4", "5"] {
        var session = Self.session(mode: mode)
        for bit in UInt64(46)...63 {
          for linear in [1 << bit, ~0 << bit, ~(~0 << bit)] as [UInt64] {
            let width: UInt64 = mode == "5" ? 57 : 48
            let top = linear >> (width - 1)
            let isCanonical = top == 0 || top == ~0 >> (width - 1)
            let answer = session.send("invvpid 0 5 \(hex(linear))")
            claim(answer == (isCanonical ? "OK" : "FAIL 28"), "mode \(mode), \(hex(linear)): \(answer)")
            guard mode == "4" || mode == "5" else { continue }
            let byGuest = session.send("invpcid 0 0 \(hex(linear))")
            claim(byGuest == (isCanonical ? "OK" : "GP"), "INVPCID, mode \(mode), \(hex(linear)): \(byGuest)")
          }
        }
      }
      // An address that only 57 bits can name.
      for (operation, drops) in [
        ("vmexit", false), ("invvpid 0 5 1000000001000", true), ("invvpid 0 5 1000", false),
        ("invlpg 1000000001000", true), ("invpcid 0 0 1000000001000", true), ("invlpg 2000000000001000", false),
      ] {
        var session = Self.session(
          mode: "5", "w64 10008 11067", "w64 11000 12067", "w64 12000 13067", "w64 13000 14067", "w64 14008 20067")
        claim(Self.hpa("1000000001010", &session) == "20010", "\(operation): cached")
        _ = session.send("w64 14008 21067")
        _ = session.send(operation)
        claim(Self.hpa("1000000001010", &session) == (drops ? "21010" : "20010"), operation)
      }
    }
  }

  /// Lines that make the first page lead to 20000 in a mode, and the entry that maps it.
  private static func tables(_ mode: String) -> (lines: [String], leaf: String) {
    switch mode {
    case "32": (["w64 10000 11067", "w64 11000 20067"], "11000")
    case "pae": (["pdpte 0 10001", "w64 10000 11067", "w64 11000 20067"], "11000")
    case "4": (["w64 10000 11067", "w64 11000 12067", "w64 12000 13067", "w64 13000 20067"], "13000")
    default:
      (["w64 10000 11067", "w64 11000 12067", "w64 12000 13067", "w64 13000 14067", "w64 14000 20067"], "14000")
    }
  }

  @Test("a change of the paging mode and back leaves nothing of it")
  func changesOfMode() {
    Claims.table("changes of paging mode") {
      let modes = ["off", "32", "pae", "4", "5"]
      for mode in modes.dropFirst() {
        for other in modes where other != mode {
          for registers in ["mode=\(other)", "pg=0"] {
            var session = Self.session(mode: mode)
            let (lines, leaf) = Self.tables(mode)
            for line in lines { _ = session.send(line) }
            let what = "from mode \(mode) by \(registers)"
            claim(Self.hpa("10", &session) == "20010", "\(what): cached")
            _ = session.send("w64 \(leaf) 21067")
            claim(Self.hpa("10", &session) == "20010", "\(what): stale")
            _ = session.send("reg \(registers)")
            _ = session.send("reg mode=\(mode) pg=1")
            claim(Self.hpa("10", &session) == "21010", "\(what): and back")
          }
        }
      }
    }
  }

  @Test("a linear mapping, made while EPT is off, is as large as the guest's page")
  func linearMappings() {
    Claims.table("linear mappings of large pages") {
      for (mode, lines, entry, shift) in [
        ("32", [String](), "10000", 22), ("pae", ["pdpte 0 10001"], "10000", 21),
        ("4", ["w64 10000 11067", "w64 11000 12067"], "12000", 21), ("4", ["w64 10000 11067"], "11000", 30),
        ("5", ["w64 10000 11067", "w64 11000 12067", "w64 12000 13067"], "13000", 21),
      ] {
        let last = hex(1 << shift - 0x1000)
        for (operation, drops) in [
          ("vmexit", false), ("invlpg \(last)", true), ("invlpg 0", true), ("invvpid 0 5 \(last)", true),
          ("invlpg \(hex(1 << shift))", false),
        ] {
          var session = Self.session(mode: mode)
          for line in lines + ["ctl ept=0", "w64 \(entry) 400000e7"] { _ = session.send(line) }
          let what = "mode \(mode), \(shift) bits, \(operation)"
          claim(Self.hpa("10", &session) == "40000010", "\(what): cached")
          _ = session.send("w64 \(entry) 800000e7")
          claim(Self.hpa(last, &session) == hex(0x4000_0000 + 1 << shift - 0x1000), "\(what): serves the whole page")
          _ = session.send(operation)
          let moved = hex(0x8000_0000 + 1 << shift - 0x1000)
          claim((Self.hpa(last, &session) == moved) == drops, "\(what): afterwards")
        }
      }
    }
  }

  @Test("the detector names an invalidation that there is: no INVVPID while VPIDs are off")
  func wording() {
    Claims.table("what the guest owes, in words") {
      for (controls, remedy) in [
        ("vpid=5", "an INVLPG or MOV to CR3 by the guest, or an INVVPID of 5, was owed"),
        ("vpid=0", "an INVLPG or MOV to CR3 by the guest, or a VM exit without VPIDs, was owed"),
      ] {
        var session = Self.session(mode: "4")
        for line in Self.tables("4").lines + ["ctl \(controls)", "la 0 r", "w64 13000 21067"] { _ = session.send(line) }
        // The guest has changed its entry and not invalidated: the old page answers, and that is told.
        claim(Self.hpa("10", &session) == "20010", controls)
        let told = session.script.staleTranslations.map(\.description)
        claim(told.count == 1 && told.allSatisfy { $0.hasSuffix(remedy) }, "\(controls): \(told)")
        // What a VM exit drops is told no more.
        _ = session.send("eptp 101e")
        let isDropped = controls == "vpid=0"
        claim(Self.hpa("10", &session) == (isDropped ? "21010" : "20010"), "\(controls): after a VMCS write")
        claim(session.script.staleTranslations.count == (isDropped ? 1 : 2), "\(controls): and told no more")
      }
    }
  }
}
