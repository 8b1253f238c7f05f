/// Accesses that cross a page: reads and writes of eight bytes, an instruction of ten.
extension ScriptWriter {
  /// Each access has tables of its own, as its second half is not asked after a first half that fails, which gi-bench learns from two lines;
  /// see ``Halves``.
  mutating func writeCrossings() {
    for _ in 0..<10 {
      let flags = processor.isModern && random.oneIn(2)
      var controls = Controls()
      controls.log = flags && random.oneIn(3)
      controls.exceptions = random.oneIn(5)
      var registers = randomRegisters()
      registers.cr3 = Guest.pml4
      begin(controls, registers, eptp: 0x1000 | 0x1e | (flags ? 0x40 : 0))
      mapGuest(strict: random.oneIn(6) && flags)
      writeGuestTables(flags ? 0 : 0x60)
      crossingQuery()
    }
  }

  private mutating func crossingQuery() {
    // The last page of one table and the first of the next, too.
    var page = random.below(15)
    if random.oneIn(6) { page |= 511 }
    if random.oneIn(6) { page |= 2 << 9 }
    let top: UInt64 = random.oneIn(8) ? 1 << 39 : 0
    let kind = random.pick(["r", "r", "w", "w", "w", "x", "x"])
    let (offset, size): (UInt64, Int) = kind == "x" ? (0xffb, 10) : (0xff9 + random.below(7), 8)
    line("la \(hex(top | page << 12 | offset)) \(kind) user=\(random.oneIn(2).digit) size=\(size)")
  }
}
