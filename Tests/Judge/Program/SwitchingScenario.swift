/// VMFUNC among hierarchies, with accesses between, and virtualization exceptions that report where they happened.
extension ScriptWriter {
  mutating func writeSwitching() {
    var controls = Controls()
    controls.exceptions = random.oneIn(2)
    controls.functions = !random.oneIn(8)
    controls.switching = !random.oneIn(8)
    begin(controls, eptp: 0x1000 | 0x1e | (random.oneIn(2) ? 0x40 : 0))
    // Four hierarchies that share all but the last table; the root of each, and its table, at 1000H, 9000H, ...
    let roots: [UInt64] = [0x1000, 0x9000, 0x11000, 0x19000]
    for root in roots {
      set(root, (root + 0x1000) | 7)
      set(root + 0x1000, (root + 0x2000) | 7)
      set(root + 0x2000, (root + 0x3000) | 7)
      for page in UInt64(0)..<4 { set(root + 0x3000 + page << 3, leaf(frame())) }
    }
    for (index, root) in roots.enumerated() {
      set(Place.list + UInt64(index) << 3, root | 0x1e | random.pick([0, 0x40]))
    }
    for _ in 0..<24 {
      if controls.exceptions && !random.oneIn(4) { set(Place.information, 0) }
      switch random.below(4) {
      case 0: spoiltSwitch(roots)
      case 1: line("vmfunc 0 \(random.below(4))")
      default:
        let gpa = random.below(5) << 12 | random.below(256) << 4
        line("gpa \(hex(gpa)) \(random.pick(["r", "w", "x"])) laddr=0x\(hex(gpa)) lv=1 user=0 wr=1 nx=0")
      }
    }
  }

  /// A switch with something amiss: the function, the index, a bit of the pointer.
  private mutating func spoiltSwitch(_ roots: [UInt64]) {
    let slot = random.pick([2, 3] as [UInt64])
    var pointer = random.pick(roots) | 0x1e | random.pick([0, 0x40, 0x58])
    if random.oneIn(2) { pointer ^= 1 << random.pick([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 40, 47, 51, 52, 63]) }
    set(Place.list + slot << 3, pointer)
    let function: UInt64 = random.oneIn(3) ? random.pick([1, 2, 63, 64, 0xffff_ffff, 0x1_0000_0000]) : 0
    let index: UInt64 = random.oneIn(3) ? random.pick([511, 512, 0xffff_ffff]) : slot
    line("vmfunc \(hex(function)) \(hex(index))")
  }
}
