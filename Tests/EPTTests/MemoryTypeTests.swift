import Testing

@testable import EPT

@Suite("EPT memory types")
struct MemoryTypeTests {
  @Test("combine with the PAT type as the manual's table has it; CD and ignore-PAT go before")
  func table() {
    Claims.table("effective memory types") {
      let columns: [MemoryType] = [
        .uncacheable, .uncachedMinus, .writeCombining, .writeThrough, .writeBack, .writeProtected,
      ]
      let rows: [(MemoryType, String)] = [
        (.uncacheable, "UC UC WC UC UC UC"), (.writeCombining, "UC WC WC UC WC UC"),
        (.writeThrough, "UC UC WC WT WT WP"), (.writeProtected, "UC WC WC WT WP WP"),
        (.writeBack, "UC UC WC WT WB WP"),
      ]
      for (ept, row) in rows {
        for (pat, expected) in zip(columns, row.split(separator: " ")) {
          let combined = MemoryType.effective(ept: ept, ignorePAT: false, pat: pat, cacheDisabled: false)
          claim(combined.name == expected, "\(ept.name) with \(pat.name): \(combined.name), expected \(expected)")
          let ignoring = MemoryType.effective(ept: ept, ignorePAT: true, pat: pat, cacheDisabled: false)
          claim(ignoring == ept, "\(ept.name), PAT ignored")
          let disabled = MemoryType.effective(ept: ept, ignorePAT: true, pat: pat, cacheDisabled: true)
          claim(disabled == .uncacheable, "\(ept.name), caching disabled")
        }
      }
      let register: UInt64 = 0x0007_0406_0105_0604
      for (index, expected) in [4, 6, 5, 1, 6, 4, 7, 0].enumerated() {
        let type = MemoryType.pat(
          register: register, pat: index & 4 != 0, cacheDisable: index & 2 != 0, writeThrough: index & 1 != 0)
        claim(type.rawValue == UInt8(expected), "PAT \(index)")
      }
    }
  }
}

@Suite("Effective memory types as answers")
struct EffectiveTypeTests {
  /// The types of EPT and, in their order, of PAT entries 0 to 5 below.
  private static let rows: [(UInt64, String)] = [
    (0, "0 0 1 0 0 0"), (1, "0 1 1 0 1 0"), (4, "0 0 1 4 4 5"), (5, "0 1 1 4 5 5"), (6, "0 0 1 4 6 5"),
  ]

  @Test("combine the leaf's PAT entry with the type of EPT, in every mode and page size")
  func answers() {
    Claims.table("memory types of accesses") {
      for shape in GuestShape.pages {
        // UC, UC-, WC, WT, WB, WP; the last two are not asked for.
        var world = ModeWorld(shape, "pat=0x0606050604010700")
        _ = world.session.send("policy memtype=1")
        let (slot, entry): (UInt64, UInt64) = shape.level > 1 ? (0x2008, 0x4000_0087) : (0x2000, 0x87)
        for (type, row) in Self.rows {
          for (index, expected) in row.split(separator: " ").enumerated() {
            let index = UInt64(index)
            let pat = (index & 4) << (shape.level == 1 ? 5 : 10)
            world.put(world.plain & ~0x18 | (index & 3) << 3 | pat)
            world.session.put(slot, entry | type << 3)
            claim(
              world.ask("r") == "\(world.ok()) mt=\(expected)",
              "type \(type), PAT \(index), \(shape): \(world.ask("r"))")
            world.session.put(slot, entry | type << 3 | 0x40)
            claim(world.ask("r") == "\(world.ok()) mt=\(type)", "type \(type), PAT ignored, \(shape)")
            _ = world.session.send("ctl ept=0")
            let withoutEPT = Self.rows[4].1.split(separator: " ")[Int(index)]
            claim(world.ask("w") == "\(world.ok()) mt=\(withoutEPT)", "no EPT, PAT \(index), \(shape)")
            _ = world.session.send("ctl ept=1")
          }
          claim(world.session.ask("gpa 40000123 r") == "OK hpa=40000123 mt=\(shape.level > 1 ? type : 6)", "gpa")
        }
      }
      var session = Session("policy memtype=1", "reg pg=0 pat=0", "ctl ept=0")
      claim(session.ask("la 123 r") == "OK hpa=123 mt=6" && session.ask("gpa 123 r") == "OK hpa=123 mt=6", "no paging")
    }
  }
}
