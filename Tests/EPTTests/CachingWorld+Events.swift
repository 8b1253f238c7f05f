import Addresses
import SeededRandom

@testable import EPT

/// What happens between accesses, and the invalidations that software owes.
extension CachingWorld {
  // MARK: Accesses

  mutating func target() -> StaleTranslation.Target {
    if !random.oneIn(3) { lastLinear = random.pick(linears) }
    let linear = GuestLinearAddress(lastLinear)
    guard random.oneIn(4) else {
      return .linear(linear, random.pick([.read, .read, .write, .write, .fetch, .readWrite]), user: random.oneIn(2))
    }
    let gpa: UInt64 = random.pick([
      0, 0x1000, 0x8000, 0xa008, 0xb010, 0xc000, 0x10_123, 0x11_000, 0x20_1000, 0x20_5678, 0x40_1000, 0x4000_3000,
    ])
    var kind: AccessKind = random.pick([.dataRead, .dataWrite, .dataWrite, .codeFetch, .pagingRead])
    if random.oneIn(2) { kind.insert(.userAddress) }
    if random.oneIn(8) { kind.remove(.linear) }
    return .physical(GuestAccess(GuestPhysicalAddress(gpa), kind, gla: linear))
  }

  // MARK: Events that owe nothing

  mutating func event(withoutEPT: Bool) {
    switch random.next() % 16 {
    case 0...3:
      let index = UInt32(random.pick([0, 1]))
      twins.both { _ = $0.vmfunc(eax: 0, ecx: index) }
    case 4, 5:
      let pointer = pointer(random.pick([0, 1]))
      inRoot { $0.eptp = pointer }
    case 6, 7: loadCR3()
    case 8: twins.both { $0.vmTransition() }
    case 9, 10: enter(vpid: random.pick([0, 1, 2]))
    case 11:
      inRoot { $0.fields.pmlIndex = 511 }
    case 12:
      let isOn = !withoutEPT || random.oneIn(2)
      inRoot { $0.controls.set(.enableEPT, to: isOn) }
    case 13:
      twins.both { $0.guest.alignmentCheck.toggle() }
      twins.both { $0.guest.smap.toggle() }
    default:
      var guest = twins.plain.guest
      switch random.next() % 6 {
      case 0: guest.smep.toggle()
      case 1: guest.writeProtect.toggle()
      case 2: guest.processContextIDs = !guest.processContextIDs && !mode.is32Bit
      case 3: guest.globalPages.toggle()
      case 4: guest.noExecute = true
      default: guest.paging.toggle()
      }
      twins.both { $0.adopt(guest, cr3: nil) }
    }
  }

  /// The guest goes to one of its address spaces. Each has PCIDs of its own; global pages that it maps otherwise are flushed.
  private mutating func loadCR3() {
    let space = random.pick([0, 1])
    var source = Self.guestRoots[space]
    if twins.plain.guest.processContextIDs {
      source |= UInt64(space) + random.pick([1, 3])
      if random.oneIn(2) { source |= 1 << 63 }
    }
    let isOther = (source ^ twins.plain.guest.cr3) & 0xf000 != 0
    let registers = pdptes[space]
    twins.both {
      $0.guest.pdptes = registers
      $0.moveToCR3(source)
    }
    if isOther && twins.plain.guest.globalPages {
      twins.both { _ = $0.invpcid(type: 2, pcid: 0, linear: GuestLinearAddress(0)) }
    }
  }

  /// Another virtual processor, with registers of its own, or the same without a VPID.
  private mutating func enter(vpid: UInt16) {
    let current = twins.plain.controls.has(.enableVPID) ? twins.plain.fields.vpid : 0
    guests[current] = twins.plain.guest
    let guest = guests[vpid] ?? twins.plain.guest
    inRoot {
      $0.controls.set(.enableVPID, to: vpid != 0)
      $0.fields.vpid = vpid
      $0.guest = guest
    }
  }

  /// The hypervisor does something between a VM exit and a VM entry.
  private mutating func inRoot(_ body: (inout EPTMachine<SparseMemory>) -> Void) {
    twins.both {
      $0.vmTransition()
      body(&$0)
      $0.vmTransition()
    }
  }

  /// The guest turns to another paging mode, makes some accesses by the same tables, and returns. It invalidates nothing: the change of CR0.PG or
  /// CR4.PAE that leads there does (SDM vol. 3A, "Operations that Invalidate TLBs and Paging-Structure Caches").
  mutating func visit(retrying: Bool) -> (complaint: String?, retries: Int) {
    // Flags that 4-byte entries are given would be address bits of 8-byte ones.
    let others = [PagingMode.off, .pae, .fourLevel, .fiveLevel].filter { $0 != mode }
    let own = twins.plain.guest
    var guest = own
    guest.paging = true
    guest.mode = random.pick(others)
    twins.both { $0.adopt(guest, cr3: nil) }
    var retries = 0
    for _ in 0..<3 {
      let (complaint, more) = twins.access(target(), retrying: retrying)
      retries += more
      if let complaint { return ("as a visit to \(guest.mode): \(complaint)", retries) }
    }
    twins.both { $0.adopt(own, cr3: nil) }
    return (nil, retries)
  }

  /// Turns a hierarchy's accessed and dirty flags on or off; on owes INVEPT before the next VM entry.
  mutating func toggleFlags() {
    let hierarchy = random.pick([0, 1])
    flags[hierarchy].toggle()
    let pointer = pointer(hierarchy)
    twins.store(pointer.rawValue, Self.list + 8 * UInt64(hierarchy))
    let isCurrent = twins.plain.eptp.tag == pointer.tag
    if isCurrent { inRoot { $0.eptp = pointer } }
    if flags[hierarchy] { invept([hierarchy]) }
  }

  // MARK: Invalidations

  /// INVEPT of hierarchies, one by one, or of all.
  mutating func invept(_ hierarchies: [Int]) {
    guard !hierarchies.isEmpty else { return }
    if random.oneIn(8) { return twins.both { _ = $0.invept(type: 2, eptp: EPTPointer(0)) } }
    for hierarchy in hierarchies {
      let pointer = pointer(hierarchy)
      twins.both { _ = $0.invept(type: 1, eptp: pointer) }
    }
  }

  /// What a change of an entry demands, and no more.
  mutating func settle(_ change: Change) {
    let slot = change.slot
    guard slot.isGuest else {
      if owesINVEPT(change.old[0], change.new, slot.level) { invept(hierarchies(leadingTo: slot.places[0])) }
      return
    }
    guard change.old.contains(where: { owesGuest($0, change.new, slot.level) }) else { return }
    func isLeaf(_ entry: UInt64) -> Bool { slot.level == .pte || (slot.level < .pml4e && entry & 0x80 != 0) }
    guard (change.old + [change.new]).allSatisfy(isLeaf), !random.oneIn(4) else { return flushGuest() }
    // One address of each page that the entry may map.
    var pages: [UInt64: UInt64] = [:]
    for linear in linears where index(linear, slot.level) == slot.index {
      pages[linear >> shift(slot.level)] = linear
    }
    for linear in pages.values.sorted() { flushPage(GuestLinearAddress(linear)) }
  }

  /// Whatever is cached of the guest's tables, by one of the ways that reach every VPID and PCID, global translations included.
  private mutating func flushGuest() {
    let isTagged = twins.plain.controls.has(.enableVPID)
    let current = twins.plain.fields.vpid
    let byGuest = random.oneIn(2)
    if byGuest { twins.both { _ = $0.invpcid(type: 2, pcid: 0, linear: GuestLinearAddress(0)) } }
    if random.oneIn(3) {
      twins.both { _ = $0.invvpid(type: 2, vpid: 0, linear: GuestLinearAddress(0)) }
    } else {
      for vpid in UInt16(1)...2 where !(byGuest && isTagged && vpid == current) {
        twins.both { _ = $0.invvpid(type: 1, vpid: UInt64(vpid), linear: GuestLinearAddress(0)) }
      }
    }
  }

  /// What is cached of a page of the guest, in every VPID and PCID.
  private mutating func flushPage(_ linear: GuestLinearAddress) {
    let isTagged = twins.plain.controls.has(.enableVPID)
    let current = twins.plain.fields.vpid
    let byGuest = random.oneIn(2)
    if byGuest {
      let pcid = twins.plain.guest.pcid
      twins.both { $0.invlpg(linear) }
      // INVLPG reaches the current PCID and global translations. While CR4.PCIDE is 0 there is none but 0.
      if twins.plain.guest.processContextIDs {
        for other in UInt64(0)..<5 where other != UInt64(pcid) {
          twins.both { _ = $0.invpcid(type: 0, pcid: other, linear: linear) }
        }
      }
    }
    for vpid in UInt16(1)...2 where !(byGuest && isTagged && vpid == current) {
      twins.both { _ = $0.invvpid(type: 0, vpid: UInt64(vpid), linear: linear) }
    }
    // Without VPIDs the transitions around INVVPID have dropped all of VPID 0.
  }
}
