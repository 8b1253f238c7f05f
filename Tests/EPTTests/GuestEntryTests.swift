import Testing

@Suite("Guest paging: entries")
struct GuestEntryTests {
  /// What a bit of a present entry is for.
  enum Meaning { case present, write, user, ignored, reserved, accessed, dirty, address, mapsPage, executeDisable }

  /// The manual's formats (SDM vol. 3A, tables "Format of a 32-Bit Page-Directory Entry that Maps a 4-MByte Page" and the others), bit by bit.
  static func meaning(_ bit: Int, _ shape: GuestShape, width: Int, nxe: Bool = true) -> Meaning {
    switch bit {
    case 0: return .present
    case 1: return .write
    case 2: return .user
    case 3, 4: return .ignored
    case 5: return .accessed
    case 6: return shape.isPage ? .dirty : .ignored
    case 7: return shape.level > 3 ? .reserved : shape.level > 1 ? .mapsPage : .ignored
    case 8...11: return .ignored
    default: break
    }
    let isLarge = shape.isPage && shape.level > 1
    if shape.mode == "32" {
      guard isLarge else { return .address }
      // PAT, then address bits 39:32 as far as there are any, then reserved bits up to 21.
      if bit == 12 { return .ignored }
      return bit >= 22 || bit < 13 + min(width, 40) - 32 ? .address : .reserved
    }
    if bit == 63 { return nxe ? .executeDisable : .reserved }
    if shape.mode == "pae" && bit >= width { return .reserved }
    if bit >= 52 { return .ignored }
    if bit >= width { return .reserved }
    if isLarge && bit < shape.addressLow { return bit == 12 ? .ignored : .reserved }
    return .address
  }

  @Test("obey every bit of their formats, in every mode, level and page size", arguments: [36, 40, 46, 52])
  func bits(width: Int) {
    Claims.table("guest entries, \(width) address bits") {
      for shape in GuestShape.all {
        for nxe in [true, false] {
          var world = ModeWorld(shape, width: width, nxe ? "" : "nxe=0")
          for bit in 0..<shape.entryBits {
            let meaning = Self.meaning(bit, shape, width: width, nxe: nxe)
            world.put(world.plain ^ 1 << UInt64(bit))
            check(meaning, bit, nxe: nxe, &world)
          }
          world.put(world.plain & ~1 | 0xffff_f000)
          claim(world.ask("r") == world.fault(4), "an absent entry has no reserved bits, \(shape)")
        }
      }
    }
  }

  private func check(_ meaning: Meaning, _ bit: Int, nxe: Bool, _ world: inout ModeWorld) {
    let shape = world.shape
    let what = "bit \(bit) of \(shape)"
    let fetch: UInt64 = nxe && shape.mode != "32" ? 16 : 0
    func holds(_ answer: String, _ expected: String, _ access: String) {
      claim(answer == expected, "\(what), \(access): \(answer), expected \(expected)")
    }
    switch meaning {
    case .present:
      for (kind, code) in [("r", 4), ("w", 6), ("rw", 6), ("x", 4 | fetch)] as [(String, UInt64)] {
        holds(world.ask(kind), world.fault(code), kind)
        holds(world.ask(kind, "user=0"), world.fault(code & ~4), "\(kind) of a supervisor")
      }
    case .reserved:
      for (kind, code) in [("r", 13), ("w", 15), ("rw", 15), ("x", 13 | fetch)] as [(String, UInt64)] {
        holds(world.ask(kind), world.fault(code), kind)
      }
    case .write:
      holds(world.ask("r"), world.ok(), "r")
      holds(world.ask("w"), world.fault(7), "w")
      holds(world.ask("rw"), world.fault(7), "rw")
      holds(world.ask("w", "user=0"), world.fault(3), "w of a supervisor")
    case .user:
      holds(world.ask("r"), world.fault(5), "r")
      holds(world.ask("r", "user=1 implicit=1"), world.ok(), "implicit r")
      holds(world.ask("w", "user=0"), world.ok(), "w of a supervisor")
    case .executeDisable:
      holds(world.ask("r"), world.ok(), "r")
      holds(world.ask("x"), world.fault(21), "x")
      holds(world.ask("x", "user=0"), world.fault(17), "x of a supervisor")
    case .ignored:
      for kind in ["r", "w", "x"] { holds(world.ask(kind), world.ok(), kind) }
    case .accessed, .dirty:
      let isLost = meaning == .dirty
      let answer = world.session.send("la \(hex(world.linear)) \(isLost ? "w" : "r") user=1")
      let word = world.session.word(world.address & ~7)
      let stored = world.shape.mode == "32" ? word >> (world.address % 8 * 8) & 0xffff_ffff : word
      holds(answer, "\(world.ok()) |W \(hex(world.address & ~7))=\(hex(word)) |pml=1ff", "flag")
      claim(stored == world.plain, "\(what): \(hex(stored)) is left")
    case .address where shape.isPage:
      let isHigh = shape.mode == "32" && shape.level == 2 && bit < 22
      let moved = UInt64(1) << UInt64(isHigh ? bit - 13 + 32 : bit)
      _ = world.session.send("ctl ept=0")
      holds(world.ask("r"), world.ok(moved), "r")
      _ = world.session.send("ctl ept=1")
    case .address, .mapsPage: break
    }
  }

  @Test("map pages by bit 7 only where the mode and the processor have such pages")
  func pageBit() {
    Claims.table("bit 7 of guest entries") {
      var narrow = ModeWorld(.init(mode: "32", level: 2, isPage: false), "pse=0")
      narrow.put(narrow.plain | 0x80)
      claim(narrow.ask("r") == narrow.ok(), "without CR4.PSE bit 7 is ignored")
      for mode in ["4", "5"] {
        var huge = ModeWorld(.init(mode: mode, level: 3, isPage: true))
        claim(huge.ask("w") == huge.ok(), "1 GByte, mode \(mode)")
        _ = huge.session.send("cap page1gb=0")
        claim(huge.ask("w") == huge.fault(15), "no 1-GByte pages, mode \(mode)")
        _ = huge.session.send("cap page1gb=1 x1g=0")
        claim(huge.ask("w").hasPrefix("MISC"), "EPT's own 1-GByte pages are another matter, mode \(mode)")
      }
    }
  }

  @Test("take as many references as levels of both dimensions make, in every mode")
  func references() {
    Claims.table("references") {
      for (mode, guestLevels) in [("off", 0), ("32", 2), ("pae", 2), ("4", 4), ("5", 5)] {
        for eptLevels in [4, 5] {
          var world = ModeWorld(.init(mode: mode, level: 1, isPage: true))
          // 4-KByte pages of EPT for the tables, from 3000 on; a PML5 table at 6000.
          for line in ["w64 1000 2007", "w64 2000 3007", "w64 3000 4007", "w64 6000 1007", "cap walk5=1"] {
            _ = world.session.send(line)
          }
          for page in UInt64(0)..<0x20 { world.session.put(0x4000 + page * 8, page << 12 | 0x37) }
          if mode == "off" { world.session.put(0x4000 + 9 * 8, 0x16037) }
          _ = world.session.send("eptp \(eptLevels == 5 ? "6026" : "101e")")
          _ = world.session.send("trace 1")
          let lines = world.session.send("la \(hex(mode == "off" ? 0x9123 : world.linear)) r user=1").split(
            separator: "\n")
          let expected = (guestLevels + 1) * (eptLevels + 1) - 1
          claim(lines.first?.hasPrefix("OK hpa=16123") == true, "\(mode): \(lines.first ?? "")")
          claim(lines.count == expected + 1, "\(mode) through \(eptLevels): \(lines.count - 1), expected \(expected)")
        }
      }
    }
  }
}
