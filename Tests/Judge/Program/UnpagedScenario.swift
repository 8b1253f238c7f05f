/// A guest without paging, whose every linear address of 32 bits is guest-physical; and loads of a PAE guest's PDPTE registers, which have
/// no linear address.
extension ScriptWriter {
  mutating func writeUnpaged() {
    let flags = processor.isModern && random.oneIn(2)
    var controls = Controls()
    controls.log = flags && random.oneIn(3)
    controls.exceptions = random.oneIn(4)
    begin(controls, Registers(paging: false), eptp: 0x1000 | 0x1e | (flags ? 0x40 : 0))
    // The image's code is executed from the last 2 MiB below 4 GiB; its entries have their flags already.
    set(0x1000, 0x2107)
    set(0x2018, 0x6107)
    set(0x6000 + 511 << 3, Place.image | 0x3b7 | 1 << 63)
    set(0x2000, entry(0x3000))
    set(0x2008, leaf(0) | 0x80)
    set(0x2010, entry(0x5000))
    set(0x3000, entry(0x4000))
    set(0x3008, leaf(largeFrame()) | 0x80)
    for page in UInt64(0)..<8 { set(0x4000 + page << 3, leaf(frame())) }
    set(0x5000, leaf(largeFrame()) | 0x80)
    for _ in 0..<30 {
      refresh(controls)
      var linear = random.below(9) << 12 | random.below(4096)
      switch random.below(6) {
      case 0: linear |= 0x20_0000
      case 1: linear = 1 << 30 | Place.firstFrame + random.below(Place.frames - Place.firstFrame)
      case 2: linear |= 2 << 30
      default: break
      }
      if random.oneIn(4) {
        line("gpa \(hex(linear & ~0x1f)) r lv=0")
        continue
      }
      let kind = random.pick(["r", "r", "w", "w", "x"])
      if kind == "x" { linear &= ~0xf }
      line("la \(hex(linear)) \(kind) user=0")
    }
  }
}
