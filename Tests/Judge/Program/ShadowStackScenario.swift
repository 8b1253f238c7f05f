/// Shadow-stack accesses, of supervisor and user stacks, with and without EPT's own rule for supervisor stacks (EPTP bit 7).
extension ScriptWriter {
  mutating func writeShadowStacks() {
    let flags = random.oneIn(2)
    var controls = Controls()
    controls.log = flags && random.oneIn(3)
    controls.exceptions = random.oneIn(4)
    // Bochs does not apply the rule that bit 7 brings; so such an access comes last.
    let hasRule = random.oneIn(2)
    begin(controls, eptp: 0x101e | (flags ? 0x40 : 0) | (hasRule ? 0x80 : 0))
    set(0x1000, 0x2000 | upperRights())
    set(0x2000, 0x3000 | upperRights())
    set(0x2008, 0xb0 | stackRights())
    set(0x3000, 0x4000 | upperRights())
    set(0x3008, largeFrame() | 0xb0 | stackRights())
    for page in UInt64(0)..<12 { set(0x4000 + page << 3, frame() | 0x30 | stackRights()) }
    for _ in 0..<30 {
      refresh(controls)
      if random.oneIn(6) { set(0x1000, 0x2000 | upperRights()) }
      var gpa = random.below(12) << 12 | random.below(500) << 3
      if random.oneIn(6) { gpa |= 0x20_0000 }
      if random.oneIn(6) { gpa = 1 << 30 | Place.firstFrame + random.below(1 << 21) & ~7 }
      let user = hasRule || random.oneIn(3)
      switch random.below(4) {
      case 0: line("gpa \(hex(gpa)) \(random.pick(["r", "w"])) laddr=0x\(hex(gpa)) lv=1 user=\(user.digit) wr=1 nx=0")
      case 1: shadowAccess("sr", gpa, user)
      default: shadowAccess("sw", gpa, user)
      }
    }
    if hasRule { shadowAccess(random.pick(["sr", "sw"]), random.below(12) << 12, false) }
  }

  private mutating func shadowAccess(_ kind: String, _ gpa: UInt64, _ user: Bool) {
    line("gpa \(hex(gpa)) \(kind) laddr=0x\(hex(gpa)) lv=1 user=\(user.digit) wr=0 nx=0 sss=\((!user).digit)")
  }

  private mutating func upperRights() -> UInt64 {
    random.pick([7, 7, 7, 7, 5, 1, 3]) | (random.oneIn(6) ? 1 << 60 : 0)
  }

  /// Rights of a leaf, more often than not with bit 60.
  private mutating func stackRights() -> UInt64 {
    random.pick([1, 1, 5, 7, 7, 3, 0, 4, 2]) | (random.oneIn(3) ? 0 : 1 << 60) | (random.oneIn(2) ? 1 << 63 : 0)
  }
}
