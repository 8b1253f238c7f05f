/// What VM entry, INVEPT and INVVPID say to their operands.
extension ScriptWriter {
  mutating func writeOperands() {
    begin(eptp: 0x101e)
    for _ in 0..<20 {
      let pointer = spoiltPointer()
      line("eptpok \(hex(pointer))")
      line("invept \(random.below(4)) \(hex(spoiltPointer()))")
      let vpid: UInt64 = random.pick([0, 1, 2, 0xffff, 0x10000, 1 << 63])
      let linear: UInt64 = random.pick([
        0, 0x1000, 0x7fff_ffff_ffff, 0x8000_0000_0000, 0xffff_7fff_ffff_ffff, 0xffff_8000_0000_0000, 1 << 63,
      ])
      line("invvpid \(random.below(6)) \(hex(vpid)) \(hex(linear))")
    }
  }

  private mutating func spoiltPointer() -> UInt64 {
    var pointer: UInt64 = 0x1018 | random.pick([0, 6, 6]) | random.pick([0, 0x40])
    if !random.oneIn(3) { pointer ^= 1 << random.below(64) }
    if random.oneIn(5) { pointer ^= 1 << random.below(12) }
    return pointer
  }
}
