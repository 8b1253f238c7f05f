/// Random EPT structures, and accesses with a guest-physical address.
extension ScriptWriter {
  mutating func writePhysical() {
    let flags = processor.isModern && random.oneIn(2)
    var controls = Controls()
    controls.log = flags && random.oneIn(3)
    controls.exceptions = random.oneIn(4)
    begin(controls, eptp: 0x1000 | 0x1e | (flags ? 0x40 : 0))
    let addresses = (0..<6).compactMap { _ in mapSomething() }
    for _ in 0..<40 {
      refresh(controls)
      physicalQuery(random.pick(addresses))
    }
  }

  /// Random rights, all of them more often than not.
  mutating func rights() -> UInt64 { random.pick([7, 7, 7, 7, 7, 3, 1, 5, 4, 0, 2, 6]) }

  /// An entry with random rights; now and then a bit that is reserved, ignored, or a flag.
  mutating func entry(_ base: UInt64) -> UInt64 {
    var entry = base | rights()
    if random.oneIn(16) { entry |= 1 << (3 + random.below(9)) }
    if random.oneIn(50) { entry |= 1 << (40 + random.below(12)) }
    if random.oneIn(8) { entry |= 1 << (52 + random.below(11)) }
    if random.oneIn(2) { entry |= 1 << 63 }
    return entry
  }

  /// A leaf with a memory type, seldom one that does not exist.
  mutating func leaf(_ frame: UInt64) -> UInt64 {
    entry(frame | random.pick([6, 6, 6, 6, 0, 1, 4, 5, 2, 3, 7]) << 3)
  }

  /// Maps a random address in the hierarchy at 1000H as far as entries are still free, and returns it.
  ///
  /// Tables below a PDPTE lie at 3000H...5000H, below a PDE at 6000H...D000H, shared at random.
  private mutating func mapSomething() -> UInt64 {
    var gpa = random.oneIn(2) ? random.below(1 << 9) << 30 : 0
    // Never in the first 2 MiB of a 1-GiB page: the tables lie there.
    gpa |= (1 + random.below(4)) << 21 | random.below(8) << 12
    if memory[0x1000] == nil { set(0x1000, random.oneIn(10) ? entry(0x2000) : 0x2007) }
    let pdpte = 0x2000 + 8 * (gpa >> 30 & 511)
    if memory[pdpte] == nil {
      if random.oneIn(8) {
        let stray: UInt64 = random.oneIn(3) ? random.pick([0x2000, 0x4000, 1 << 20, 1 << 29]) : 0
        set(pdpte, leaf(stray) | 0x80 | (random.oneIn(3) ? 0 : 7))
      } else {
        set(pdpte, entry(0x3000 + 0x1000 * random.below(3)))
      }
    }
    guard let third = memory[pdpte], third & 0x80 == 0 else { return gpa }
    let pde = third & 0xff000 + 8 * (gpa >> 21 & 511)
    if memory[pde] == nil {
      if random.oneIn(5) {
        set(pde, leaf(largeFrame() | (random.oneIn(3) ? random.pick([0x2000, 0x4000, 1 << 20]) : 0)) | 0x80)
      } else {
        set(pde, entry(0x6000 + 0x1000 * random.below(8)))
      }
    }
    guard let second = memory[pde], second & 0x80 == 0 else { return gpa }
    let pte = second & 0xff000 + 8 * (gpa >> 12 & 511)
    if memory[pte] == nil { set(pte, leaf(frame())) }
    return gpa
  }

  private mutating func physicalQuery(_ known: UInt64) {
    var gpa = known
    // Elsewhere, too; below 64 MiB of any 1-GiB page.
    if random.oneIn(10) { gpa = random.below(1 << 39) & ~0x3c00_0fff | 0x20_0000 }
    gpa |= random.below(4096)
    if random.oneIn(6) {
      walkQuery(gpa)
      return
    }
    let kind = random.pick(["r", "r", "w", "w", "rw", "x", "x"])
    if kind == "x" { gpa &= ~0xf }
    // An image of the address, or another one of the same page offset. Slots 254 and 510 of the guest's tables are the image's.
    let linear = random.oneIn(2) ? gpa : random.below(200) << 39 | random.below(1 << 39) & ~0xfff | gpa & 0xfff
    let user = random.oneIn(2).digit
    line("gpa \(hex(gpa)) \(kind) laddr=0x\(hex(linear)) lv=1 user=\(user) wr=1 nx=0")
  }

  /// The address as a guest's page-table entry: an odd word, but not the last of its page.
  private mutating func walkQuery(_ address: UInt64) {
    var gpa = address & ~7 | 8
    if gpa & 0xff8 == 0xff8 { gpa ^= 0x10 }
    let linear =
      random.below(200) << 39 | random.below(1 << 18) << 21 | (gpa >> 3 & 511) << 12 | random.below(4096) & ~0xf
    line("gpa \(hex(gpa)) r laddr=0x\(hex(linear)) lv=1 walk=1 user=\(random.oneIn(2).digit)")
  }
}
