/// Sequences without an exit between accesses, in which tables change and nothing is invalidated: what a processor has cached shows.
extension ScriptWriter {
  /// Each sequence has tables of its own, as Bochs and gi-bench may leave different flags behind.
  mutating func writeStale() {
    for _ in 0..<10 {
      if random.oneIn(2) || !processor.isModern { linearSequence() } else { physicalSequence() }
    }
  }

  private mutating func sequence(_ count: UInt64, _ step: (inout ScriptWriter, UInt64) -> Void) {
    line("policy guestad=before rmwread=0 cache=maximal")
    for number in 0..<count { step(&self, number) }
    line("policy guestad=before rmwread=0 cache=none")
  }

  /// Reads are of the first half of a page and writes of the second, so that a write leaves alone what reads tell the page by; and each
  /// step has a part of its own, as the image looks for what writes stored, and puts it back, when all of them are over.
  private mutating func offset(_ kind: String, _ step: UInt64) -> UInt64 {
    kind == "w" ? 0x800 + step * 0xb0 + random.below(0xb0) : random.below(0x100) << 3
  }

  /// An entry with its rights and flags changed, or its page, or nothing left of it.
  private mutating func changed(_ entry: UInt64) -> UInt64 {
    switch random.below(6) {
    case 0: entry & ~7
    case 1: entry & ~2
    case 2: entry | 7
    case 3: entry & ~7 | 4
    case 4: entry & ~0xffff_f000 | frame()
    default: entry & ~0x300
    }
  }

  // MARK: Guest tables and EPT

  private mutating func linearSequence() {
    let flags: UInt64 = processor.isModern && random.oneIn(2) ? 0x40 : 0
    let vpid = random.oneIn(2)
    begin(Controls(), Registers(cr3: Guest.pml4), eptp: 0x101e | flags)
    if vpid { line("ctl vpid=1") }
    for (address, value) in [(0x1000, 0x2007), (0x2000, 0x3007), (0x3000, 0x4007)] as [(UInt64, UInt64)] {
      set(address, value)
    }
    for table in Guest.tables { set(0x4000 + table >> 9, (table + Guest.shift) | 0x37) }
    for page in Guest.data.prefix(4) { set(0x4000 + page << 3, frame() | 0x37) }
    // Another page table for EPT to change to.
    for table in Guest.tables { set(0x5000 + table >> 9, (table + Guest.shift) | 0x37) }
    for page in Guest.data.prefix(4) { set(0x5000 + page << 3, frame() | 0x37) }
    for (table, next) in [(Guest.pml4, Guest.pdpt), (Guest.pdpt, Guest.pd), (Guest.pd, Guest.pt)] {
      setGuest(table, 0, next | 0x67)
    }
    for page in UInt64(0)..<4 {
      setGuest(Guest.pt, page, (Guest.data.lowerBound + page) << 12 | 0x67 | (random.oneIn(3) ? 0x100 : 0))
    }
    sequence(3 + random.below(6)) { writer, step in
      switch writer.random.below(8) {
      case 0: writer.changeEPT()
      case 1: writer.changeGuest()
      case 2: writer.line("reg cr3=0x\(hex(Guest.pml4))")
      default:
        let kind = writer.random.pick(["r", "r", "w"])
        writer.line("la \(hex(writer.random.below(2) << 12 | writer.offset(kind, step))) \(kind) user=0")
      }
    }
  }

  private mutating func changeEPT() {
    switch random.below(6) {
    case 0: set(0x3000, memory[0x3000] == 0x5007 ? 0x4007 : 0x5007)
    case 1: set(0x3000, changedTable(0x4007))
    case 2:
      let address = 0x4000 + random.pick(Guest.tables) >> 9
      set(address, (memory[address] ?? 0) ^ random.pick([2, 7]))
    default:
      let address = 0x4000 + (Guest.data.lowerBound + random.below(2)) << 3
      set(address, changed(memory[address] ?? 0))
    }
  }

  private mutating func changedTable(_ entry: UInt64) -> UInt64 { entry & ~7 | random.pick([0, 1, 3, 5, 7]) }

  private mutating func changeGuest() {
    let address = Guest.pt + Guest.shift + random.below(2) << 3
    let entry = memory[address] ?? 0
    switch random.below(5) {
    case 0: set(address, entry & ~1)
    case 1: set(address, entry & ~2)
    case 2: set(address, entry | 3)
    case 3: set(address, entry & ~0xf_f000 | (Guest.data.lowerBound + random.below(4)) << 12)
    default: set(Guest.pd + Guest.shift, Guest.pt | 0x60 | random.pick([0, 1, 3, 7]))
    }
  }

  // MARK: Guest-physical accesses and EPTP switching

  private mutating func physicalSequence() {
    let flags: UInt64 = processor.isModern && random.oneIn(2) ? 0x40 : 0
    begin(eptp: 0x101e | flags)
    if random.oneIn(2) { line("ctl vpid=1") }
    let roots: [UInt64] = [0x1000, 0x9000, 0x11000]
    for (index, root) in roots.enumerated() {
      set(Place.list + UInt64(index) << 3, root | 0x1e | flags)
      for step in UInt64(0)..<3 { set(root + step << 12, (root + (step + 1) << 12) | 7) }
      for page in UInt64(0)..<3 { set(root + 0x3000 + page << 3, frame() | 0x37) }
    }
    sequence(3 + random.below(7)) { writer, step in
      let root = writer.random.pick(roots)
      switch writer.random.below(8) {
      case 0: writer.line("vmfunc 0 \(writer.random.below(3))")
      case 1:
        let address = root + 0x3000 + writer.random.below(2) << 3
        writer.set(address, writer.changed(writer.memory[address] ?? 0))
      case 2 where writer.random.oneIn(3): writer.set(root + 0x2000, writer.changedTable((root + 0x3000) | 7))
      default:
        let kind = writer.random.pick(["r", "r", "w"])
        let gpa = writer.random.below(2) << 12 | writer.offset(kind, step)
        writer.line("gpa \(hex(gpa)) \(kind) laddr=0x\(hex(gpa)) lv=1 user=0 wr=1 nx=0")
      }
    }
  }
}
