/// Guest tables under EPT: the two-dimensional walk.
extension ScriptWriter {
  /// Where guest tables lie: their guest-physical pages, and how far from there EPT puts them.
  enum Guest {
    static let pml4: UInt64 = 0x8000
    static let pdpt: UInt64 = 0x9000
    static let pd: UInt64 = 0xa000
    static let pt: UInt64 = 0xb000
    static let tables: [UInt64] = [pml4, pdpt, pd, pt]
    static let shift: UInt64 = 0x18000
    /// Guest-physical pages that guests are given.
    static let data: Range<UInt64> = 0x20..<0x30
  }

  mutating func writeLinear() {
    let flags = processor.isModern && random.oneIn(2)
    var controls = Controls()
    controls.log = flags && random.oneIn(3)
    controls.exceptions = random.oneIn(5)
    var registers = randomRegisters()
    begin(controls, registers, eptp: 0x1000 | 0x1e | (flags ? 0x40 : 0))
    let strict = random.oneIn(2)
    mapGuest(strict: strict)
    // Bochs sets the guest's flags in pages that EPT does not let be written; so they are set already where EPT keeps no flags.
    let flagged = !flags && (strict || random.oneIn(3))
    writeGuestTables(flagged ? 0x60 : 0)
    for _ in 0..<40 {
      refresh(controls)
      if random.oneIn(4) { mutate(flagged ? 0x60 : 0, keepsWritable: !flags && !flagged) }
      if random.oneIn(10) {
        registers = randomRegisters()
        set(registers)
      }
      linearQuery()
    }
  }

  mutating func randomRegisters() -> Registers {
    Registers(
      writeProtect: !random.oneIn(3), smep: random.oneIn(3), smap: random.oneIn(3), alignmentCheck: random.oneIn(2),
      noExecute: !random.oneIn(4), cr3: Guest.pml4 | (random.oneIn(4) ? 0x18 : 0))
  }

  /// EPT for guest-physical 0 to 2 MiB by pages, 2 to 4 MiB by a large one, 4 to 6 MiB by pages, and 1 GiB from 1 GiB on.
  mutating func mapGuest(strict: Bool) {
    set(0x1000, 0x2007)
    set(0x2000, 0x3007)
    if processor.isModern { set(0x2008, 0xb7 | (random.oneIn(4) ? 0 : 0x300)) }
    set(0x3000, 0x4007)
    set(0x3008, leaf(largeFrame()) | 0x80)
    set(0x3010, 0x5007)
    for table in Guest.tables {
      let rights: UInt64 = strict && random.oneIn(3) ? random.pick([1, 1, 3, 5, 4, 0, 2]) : 7
      set(0x4000 + table >> 9, (table + Guest.shift) | 0x30 | rights | (random.oneIn(3) ? 1 << 63 : 0))
    }
    for page in Guest.data { set(0x4000 + page << 3, leaf(frame())) }
    for page in UInt64(0)..<8 { set(0x5000 + page << 3, leaf(frame())) }
  }

  private mutating func guestBits() -> UInt64 {
    var bits: UInt64 = random.pick([7, 7, 7, 7, 3, 3, 5, 1, 6])
    if random.oneIn(2) { bits |= 0x20 }
    if random.oneIn(8) { bits |= 1 << (3 + random.below(2)) }
    if random.oneIn(8) { bits |= 1 << 63 }
    if random.oneIn(40) { bits |= 1 << (40 + random.below(12)) }
    if random.oneIn(8) { bits |= 1 << (52 + random.below(11)) }
    return bits
  }

  mutating func setGuest(_ table: UInt64, _ index: UInt64, _ value: UInt64) {
    set(table + Guest.shift + index << 3, value)
  }

  /// Guest tables; `flags` are set in every entry.
  mutating func writeGuestTables(_ flags: UInt64) {
    func setGuest(_ table: UInt64, _ index: UInt64, _ value: UInt64) { self.setGuest(table, index, value | flags) }
    // Entries that refer to tables grant everything more often than not.
    func tableBits() -> UInt64 { random.oneIn(2) ? 7 : guestBits() }
    for slot in [0, 1, 256] as [UInt64] {
      setGuest(Guest.pml4, slot, Guest.pdpt | (slot == 0 ? 7 : tableBits()) | (random.oneIn(30) ? 0x80 : 0))
    }
    setGuest(Guest.pdpt, 0, Guest.pd | tableBits())
    // Without EPT's 1-GiB pages the processor has none for guests either, which the protocol has no capability for.
    if processor.isModern {
      setGuest(Guest.pdpt, 1, 1 << 30 | guestBits() | 0x80 | guestLeafBits(reserved: [13, 20, 29]))
    }
    setGuest(Guest.pd, 0, Guest.pt | tableBits())
    setGuest(Guest.pd, 1, 0x20_0000 | guestBits() | 0x80 | guestLeafBits(reserved: [13, 20]))
    setGuest(Guest.pd, 2, 0x40_0000 | guestBits() | 0x80 | guestLeafBits(reserved: []))
    setGuest(Guest.pd, 3, Guest.pt | tableBits())
    for page in UInt64(0)..<16 {
      let data = Guest.data.lowerBound + random.below(UInt64(Guest.data.count))
      setGuest(Guest.pt, page, data << 12 | guestBits() | guestLeafBits(reserved: []))
    }
  }

  /// Dirty, global, PAT (bit 7 of a page-table entry, 12 of a large page); seldom a reserved bit of a large page.
  private mutating func guestLeafBits(reserved: [UInt64]) -> UInt64 {
    var bits: UInt64 = random.oneIn(2) ? 0x40 : 0
    if random.oneIn(8) { bits |= 0x100 }
    if random.oneIn(12), !reserved.isEmpty { bits |= 1 << random.pick(reserved + [12]) }
    return bits
  }

  /// Flips a bit of an entry that does not move a table or a page; of a guest's entry none of `flags`, and bit 1 of no EPT entry that
  /// leads to guest tables, if these are to stay writable.
  private mutating func mutate(_ flags: UInt64, keepsWritable: Bool) {
    guard let address = memory.keys.filter({ $0 < 0x2d000 }).sorted().randomElement(using: &random) else { return }
    guard let value = memory[address] else { return }
    let bit = random.pick([0, 1, 2, 3, 4, 5, 6, 8, 9, 10, 11, 40, 47, 51, 52, 58, 60, 61, 62, 63] as [UInt64])
    if keepsWritable && bit <= 1 && address < 0x4060 { return }
    set(address, value ^ 1 << bit | (address >= Guest.pml4 + Guest.shift ? flags : 0))
  }

  private mutating func linearQuery() {
    var linear = random.below(18) << 12 | random.below(4096)
    if random.oneIn(3) { linear |= (1 + random.below(3)) << 21 | random.below(10) << 12 }
    // In the 1-GiB page stay between 2 and 64 MiB.
    if random.oneIn(6) { linear = 1 << 30 | Place.firstFrame + random.below(Place.frames - Place.firstFrame) }
    if random.oneIn(6) { linear |= random.pick([1 << 39, 0xffff_8000_0000_0000]) }
    let kind = random.pick(["r", "r", "w", "w", "w", "x", "x"])
    if kind == "x" { linear &= ~0xf }
    line("la \(hex(linear)) \(kind) user=\(random.oneIn(2).digit)")
  }
}
