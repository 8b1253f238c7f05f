/// Gates of an interrupt descriptor table, read while the processor delivers an interrupt: such a violation is never a #VE.
extension ScriptWriter {
  mutating func writeEvents() {
    let flags = processor.isModern && random.oneIn(2)
    var controls = Controls()
    controls.log = flags && random.oneIn(3)
    controls.exceptions = !random.oneIn(4)
    var registers = randomRegisters()
    registers.cr3 = Guest.pml4
    // Implicit accesses do not look at AC, and the protocol has no word for them yet.
    registers.alignmentCheck = false
    begin(controls, registers, eptp: 0x101e | (flags ? 0x40 : 0))
    mapGuest(strict: flags && random.oneIn(3))
    writeGuestTables(flags ? 0 : 0x60)
    for _ in 0..<20 {
      refresh(controls)
      registers.deliveringEvent = !random.oneIn(3)
      set(registers)
      let linear = (1 + random.below(15)) << 12 | random.below(256) << 4 | (random.oneIn(4) ? 2 << 21 : 0)
      line("la \(hex(linear)) r user=0")
    }
  }
}
