import SeededRandom
import EPT

/// The guest's half of a random scenario: registers, tables of its paging mode, linear accesses.
///
/// Tables lie at guest-physical 7000 (PML5), 8000 (PML4), 9000 (PDPT), a000 (page directory), b000 (page table), which EPT puts at 27000 and on.
extension RandomScenario {
  mutating func setPaging() {
    model.mode = mode
    model.cr3 = ["5": 0x7000, "4": 0x8000, "pae": 0x9000][mode, default: 0xa000]
    if random.oneIn(4) { model.cr3 |= 0x18 }
    model.pse = !random.oneIn(4)
    model.pke = random.oneIn(3)
    model.pkru = random.next() & 0xffff_ffff & (random.oneIn(2) ? 0xff : random.next())
    model.pks = random.oneIn(3)
    model.pkrs = random.next() & 0xffff_ffff & (random.oneIn(2) ? 0xff : random.next())
    model.shadowStacks = model.wp && random.oneIn(3)
    model.pat = 0
    for _ in 0..<8 { model.pat = model.pat << 8 | random.pick([0, 1, 4, 5, 6, 6, 7]) }
    model.pdptes = (0..<4).map { _ in
      let table: UInt64 = random.pick([0xa000, 0xa000, 0xa000, 0xb000])
      return table | (random.oneIn(6) ? random.next() & ~1 : 1 | random.next() & 0xe18)
    }
  }

  mutating func makeGuestTables() {
    let user: UInt64 = random.oneIn(2) ? 7 : 3
    if mode == "32" { return makeNarrowTables(user) }
    var tables: [(UInt64, UInt64)] = [
      (0x2a000, 0xb000 | user), (0x2a008, 0x20_0087), (0x2a010, 0xb007),
    ]
    if mode == "pae" {
      // What MOV to CR3 loads.
      for slot in UInt64(0)..<8 {
        tables.append((0x29000 + 8 * slot, random.oneIn(8) ? random.next() & 0x1ff : 0xa001 | random.next() & 0xe18))
      }
    } else {
      tables += [(0x28000, 0x9000 | user), (0x28008, 0x9007), (0x29000, 0xa000 | user), (0x29008, 0x87)]
    }
    if mode == "5" { tables += [(0x27000, 0x8000 | user), (0x27008, 0x8007)] }
    for (address, value) in tables {
      entries.append(address)
      let isPDPTE = mode == "pae" && address < 0x2a000
      set(address, value | (random.oneIn(3) && !isPDPTE ? 0x60 : 0))
    }
    for page in UInt64(0)..<8 {
      let address = 0x2b000 + page * 8
      entries.append(address)
      var bits = leafBits() | (random.oneIn(8) ? 1 << 63 : 0)
      if mode != "pae" && (model.pke || model.pks) { bits |= random.next() % 4 << 59 }
      set(address, (random.next() % 24) << 12 | bits)
    }
  }

  /// Two entries a word: page tables, 4-MByte pages at 0 and in the first GByte that EPT maps at once, one with address bits 39:32.
  private mutating func makeNarrowTables(_ user: UInt64) {
    let directory: [UInt64] = [
      0xb000 | user, random.pick([0x87, 0xe7]), 0x4000_0087, 0xb007, 0x4040_0087 | random.next() & 0x3e000, 0xb003,
    ]
    for pair in 0..<3 {
      let address = 0x2a000 + UInt64(pair) * 8
      entries.append(address)
      let flags: UInt64 = random.oneIn(3) ? 0x60 : 0
      set(address, directory[2 * pair] | flags | directory[2 * pair + 1] << 32)
    }
    for pair in UInt64(0)..<4 {
      let address = 0x2b000 + pair * 8
      entries.append(address)
      let halves = (0..<2).map { _ in (random.next() % 24) << 12 | leafBits() }
      set(address, halves[0] | halves[1] << 32)
    }
  }

  /// Rights and flags of a leaf; 61 and 65 are those of a shadow stack.
  private mutating func leafBits() -> UInt64 {
    let bits: UInt64 = random.pick([7, 7, 3, 5, 1, 0x67, 0x63, 0x61, 0x65])
    return bits | (random.oneIn(3) ? random.next() & 0x98 : 0)
  }

  mutating func linearQuery() -> String? {
    var access = SlowModel.Linear(address: (random.next() % 8) << 12 | random.next() & 0xfff)
    if random.oneIn(4) { access.address |= 0xff0 | random.next() & 0xf }
    let large: UInt64 = mode == "32" ? 22 : 21
    if random.oneIn(4) { access.address |= (1 + random.next() % 5) << large | random.next() & 0x1f_f000 }
    if random.oneIn(6) { access.address |= (1 + random.next() % 3) << 30 | random.next() & 0x3fff_f000 }
    if random.oneIn(8) { access.address |= random.pick([1, 2]) << 39 }
    if random.oneIn(8) && mode != "4" { access.address |= random.pick([1, 2]) << 48 }
    if random.oneIn(40) { access.address |= 0xffff_8000_0000_0000 }
    if random.oneIn(30) { access.address |= 1 << (63 - random.next() % 20) }
    if random.oneIn(60) { access.address = random.pick([0x7fff_ffff_fff8, 0xff_ffff_ffff_fff8, ~0 - 7]) }
    access.kind = random.pick(
      model.shadowStacks && model.paging != "off" ? ["r", "w", "x", "rw", "sr", "sw"] : ["r", "w", "x", "rw"])
    access.user = random.oneIn(2)
    access.size = random.pick([1, 1, 1, 2, 4, 8, 15, 200, 4096])
    access.implicit = random.oneIn(6)
    access.stack = random.oneIn(3)
    var line = "la \(hex(access.address)) \(access.kind) user=\(access.user.digit) size=\(access.size)"
    if access.implicit || random.oneIn(4) { line += " implicit=\(access.implicit.digit)" }
    if access.stack || random.oneIn(4) { line += " stack=\(access.stack.digit)" }
    return compare(line, model.la(access))
  }

  /// MOV to CR3, and a change of a PDPTE register as VM entry makes it.
  mutating func registerQuery() -> String? {
    if mode == "pae" && random.oneIn(3) {
      let (number, value) = (random.next() % 4, 0xa001 | random.next() & 0xe18)
      model.pdptes[Int(number)] = value
      return compare("pdpte \(hex(number)) \(hex(value))", "")
    }
    var value: UInt64 = ["5": 0x7000, "4": 0x8000, "pae": 0x9000][mode, default: 0xa000]
    if random.oneIn(3) { value |= random.next() & 0xfff }
    if mode == "pae" { value ^= random.pick([0, 0x20, 0x40]) }
    if random.oneIn(3) { value ^= 1 << (random.next() % 64) }
    return compare("movcr3 \(hex(value))", model.movcr3(value))
  }
}
