/// Sub-page write permissions: pages that are read-only but for some of their 128-byte sub-pages.
extension ScriptWriter {
  mutating func writeSubPages() {
    var controls = Controls()
    controls.spp = true
    let flags = processor.isModern && random.oneIn(2)
    controls.log = flags && random.oneIn(3)
    begin(controls, eptp: 0x1000 | 0x1e | (flags ? 0x40 : 0))
    set(0x1000, 0x2007)
    set(0x2000, 0x3007)
    set(0x3000, 0x4007)
    set(0x3008, (largeFrame() | 0xb5) | 1 << 61)
    for page in UInt64(0)..<8 {
      let rights: UInt64 = random.pick([1, 1, 5, 5, 7, 4, 0, 3])
      set(0x4000 + page << 3, frame() | 0x30 | rights | (random.oneIn(4) ? 0 : 1 << 61) | 1 << 63)
    }
    let root = Place.subPageRoot
    for (address, value) in [(root, root + 0x1001), (root + 0x1000, root + 0x2001), (root + 0x2000, root + 0x3001)] {
      set(address, random.oneIn(10) ? value ^ 1 << random.pick([0, 0, 1, 5, 11, 40, 45, 51, 52, 63]) : value)
    }
    for page in UInt64(0)..<8 { set(root + 0x3000 + page << 3, random.next() & 0x5555_5555_5555_5555) }
    for _ in 0..<30 {
      if controls.log && random.oneIn(3) { refresh(controls) }
      var gpa = random.below(9) << 12 | random.below(4096)
      if random.oneIn(8) { gpa |= 0x20_0000 }
      let kind = random.pick(["r", "w", "w", "w", "w", "x"])
      if kind == "x" { gpa &= ~0xf }
      line("gpa \(hex(gpa)) \(kind) laddr=0x\(hex(gpa)) lv=1 user=\(random.oneIn(2).digit) wr=1 nx=0")
    }
  }
}
