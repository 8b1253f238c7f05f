/// The EPT machine written a second time, from the rules alone and as plainly as possible: a dictionary for memory, a loop for each rule, no masks,
/// no caches. It answers in the walk protocol's words. Slow on purpose; nothing here is shared with the library.
struct SlowModel {
  // What the processor can do.
  var maxpa = 46
  var xonly = true
  var x1g = true
  var x2m = true
  var uc = true
  var wb = true
  var ad = true
  var adv = true
  var cet = true
  var ve = true
  var walk5 = false
  var page1gb = true
  // Controls.
  var ept = true
  var mbec = false
  var sppControl = false
  var veControl = false
  var pml = false
  var vmfunc = true
  var vmfctl: UInt64 = 1
  var pw = false
  var gpv = false
  // Registers.
  var pe = true
  var pg = true
  var wp = true
  var smep = false
  var smap = false
  var ac = false
  var nxe = true
  var inevent = false
  var nmi = false
  var cr3: UInt64 = 0
  /// `off`, `32`, `pae`, `4` or `5`: what CR4.PAE, CR4.LA57 and IA32_EFER.LMA select.
  var mode = "4"
  var pse = true
  var pcide = false
  var pke = false
  var pkru: UInt64 = 0
  var pks = false
  var pkrs: UInt64 = 0
  var shadowStacks = false
  var pat: UInt64 = 0x0007_0406_0007_0406
  var pdptes: [UInt64] = [0, 0, 0, 0]
  // Choices.
  var guestFlagsBefore = false
  var rmwread = false
  var memtype = false
  var highFirst = false
  // Fields.
  var eptp: UInt64 = 0x1e
  var spptp: UInt64 = 0
  var pmlAddress: UInt64 = 0
  var pmlIndex = 0x1ff
  var veinfo: UInt64 = 0
  var eptpIndex: UInt64 = 0
  var eptplist: UInt64 = 0
  // Memory, and what the machine stored since the query began.
  var memory: [UInt64: UInt64] = [:]
  var stores: [(UInt64, UInt64)] = []

  func bit(_ value: UInt64, _ number: Int) -> Bool { value / (1 << UInt64(number)) % 2 == 1 }

  func field(_ value: UInt64, _ high: Int, _ low: Int) -> UInt64 {
    var result: UInt64 = 0
    for number in low...high where bit(value, number) { result += 1 << UInt64(number - low) }
    return result
  }

  func read(_ address: UInt64) -> UInt64 { memory[address] ?? 0 }

  mutating func write(_ address: UInt64, _ value: UInt64) {
    memory[address] = value
    stores.append((address, value))
  }

  func effects() -> String {
    " |W" + stores.map { " \(hex($0.0))=\(hex($0.1))" }.joined() + " |pml=\(hex(UInt64(pmlIndex)))"
  }

  // MARK: One access with a guest-physical address

  struct Access {
    var gpa: UInt64
    var read = false
    var write = false
    var fetch = false
    var shadowStack = false
    var supervisorShadowStack = false
    var linear = true
    var laddr: UInt64 = 0
    var table = false
    var user = false
    var writable = false
    var noExecute = false
    var size: UInt64 = 1
    /// It is part of an access to two pages.
    var crosses = false
    /// The memory type that the guest's PAT selects.
    var patType = "WB"
    /// Some guest entry of this translation came from a page whose leaf has bit 58 clear.
    var unverified = false
  }

  enum End { case tooWide, notPresent, misconfigured, leaf }

  struct Step {
    let address: UInt64
    let entry: UInt64
    let level: Int
  }

  struct Path {
    var steps: [Step] = []
    var end = End.tooWide
    var leaf: UInt64 { steps[steps.count - 1].entry }
    var leafLevel: Int { steps[steps.count - 1].level }
  }

  func mapsPage(_ entry: UInt64, _ level: Int) -> Bool {
    if level == 1 { return true }
    if level == 2 { return x2m && bit(entry, 7) }
    if level == 3 { return x1g && bit(entry, 7) }
    return false
  }

  func isPresent(_ entry: UInt64) -> Bool {
    bit(entry, 0) || bit(entry, 1) || bit(entry, 2) || (mbec && bit(entry, 10))
  }

  func isMisconfigured(_ entry: UInt64, _ level: Int) -> Bool {
    let page = mapsPage(entry, level)
    if !bit(entry, 0) && bit(entry, 1) { return true }
    if !bit(entry, 0) && !xonly && (bit(entry, 2) || (mbec && bit(entry, 10))) { return true }
    if !bit(entry, 0) && page && pw && bit(entry, 58) { return true }
    var reserved: [Int] = []
    for number in maxpa..<max(52, maxpa) { reserved.append(number) }
    if level == 5 || level == 4 { reserved += [3, 4, 5, 6, 7] }
    if (level == 3 || level == 2) && !page { reserved += [3, 4, 5, 6, 7] }
    if level == 3 && page { reserved += Array(12...29) }
    if level == 2 && page { reserved += Array(12...20) }
    for number in reserved where bit(entry, number) { return true }
    if page && [2, 3, 7].contains(field(entry, 5, 3)) { return true }
    return false
  }

  func walk(_ gpa: UInt64) -> Path {
    var path = Path()
    if !hasFiveLevels && field(gpa, 63, 48) != 0 { return path }
    var base = field(eptp, 51, 12) * 4096
    for level in hasFiveLevels ? [5, 4, 3, 2, 1] : [4, 3, 2, 1] {
      let low = 12 + 9 * (level - 1)
      let address = base + 8 * field(gpa, low + 8, low)
      let entry = read(address)
      path.steps.append(Step(address: address, entry: entry, level: level))
      if !isPresent(entry) {
        path.end = .notPresent
        return path
      }
      if isMisconfigured(entry, level) {
        path.end = .misconfigured
        return path
      }
      if mapsPage(entry, level) {
        path.end = .leaf
        return path
      }
      base = field(entry, 51, 12) * 4096
    }
    return path
  }

  /// Five-level EPT: the processor has it, and the pointer asks for it.
  var hasFiveLevels: Bool { walk5 && field(eptp, 5, 3) == 4 }

  var flagsEnabled: Bool { bit(eptp, 6) }

  func isWriteForEPT(_ access: Access) -> Bool {
    access.write || (access.table && access.linear && flagsEnabled)
  }

  func all(_ path: Path, _ number: Int) -> Bool { path.steps.allSatisfy { bit($0.entry, number) } }

  func allAbove(_ path: Path, _ number: Int) -> Bool { path.steps.dropLast().allSatisfy { bit($0.entry, number) } }

  /// Which of "read", "write", "fetch", "shadow stack", "verification" the rights deny.
  func denials(_ access: Access, _ path: Path) -> Set<String> {
    var denials: Set<String> = []
    let tableWrite = access.table && isWriteForEPT(access)
    let needsRead = access.read || (access.table && access.linear && flagsEnabled)
    if access.shadowStack && access.supervisorShadowStack && bit(eptp, 7) {
      if !all(path, 0) { denials.insert("read") }
      if !allAbove(path, 1) || !bit(path.leaf, 60) { denials.insert("shadow stack") }
    } else {
      if needsRead && !all(path, 0) { denials.insert("read") }
      if isWriteForEPT(access) && !all(path, 1) {
        let excused = tableWrite && pw && bit(path.leaf, 58) && allAbove(path, 1)
        if !excused { denials.insert("write") }
      }
    }
    if access.fetch {
      let number = mbec && access.user ? 10 : 2
      if !all(path, number) { denials.insert("fetch") }
    }
    if gpv && access.unverified && bit(path.leaf, 57) { denials.insert("verification") }
    return denials
  }

  func qualification(_ access: Access, _ path: Path, _ denials: Set<String>) -> UInt64 {
    var set: Set<Int> = []
    if access.read { set.insert(0) }
    if access.write { set.insert(1) }
    if access.fetch { set.insert(2) }
    if access.read && access.write && !rmwread { set.remove(0) }
    if access.table && isWriteForEPT(access) { set.formUnion([0, 1]) }
    if path.end == .leaf {
      if all(path, 0) { set.insert(3) }
      if all(path, 1) { set.insert(4) }
      if all(path, 2) { set.insert(5) }
      if mbec && all(path, 10) { set.insert(6) }
      if bit(eptp, 7) && bit(path.leaf, 60) { set.insert(14) }
    }
    if access.linear {
      set.insert(7)
      if !access.table {
        set.insert(8)
        if adv {
          if access.user { set.insert(9) }
          if access.writable { set.insert(10) }
          if access.noExecute { set.insert(11) }
        }
      }
    }
    if nmi && !inevent { set.insert(12) }
    if access.shadowStack { set.insert(13) }
    if denials.contains("verification") { set.insert(15) }
    return set.reduce(0) { $0 + (1 << UInt64($1)) }
  }

  mutating func violation(_ access: Access, _ path: Path, _ denials: Set<String>) -> String {
    let qualification = qualification(access, path, denials)
    let gla = access.linear ? access.laddr : 0
    if veControl && path.end != .tooWide && !bit(path.leaf, 63) && pe && !inevent
      && field(read(veinfo), 63, 32) == 0
    {
      write(veinfo, 48)
      write(veinfo, 48 + 0xffff_ffff * (1 << 32))
      write(veinfo + 8, qualification)
      write(veinfo + 16, gla)
      write(veinfo + 24, access.gpa)
      write(veinfo + 32, field(read(veinfo + 32), 63, 16) * 65536 + eptpIndex)
      return "VE"
    }
    return "VIOL qual=\(hex(qualification)) gpa=\(hex(access.gpa)) gla=\(hex(gla))"
  }

  /// What the sub-page tables say: nil if they allow the write.
  mutating func subPage(_ access: Access, _ path: Path) -> String? {
    let event = { (miss: Bool, model: SlowModel) -> String in
      let bits: UInt64 = (miss ? 1 << 11 : 0) + (model.nmi && !model.inevent ? 1 << 12 : 0)
      return "SPP qual=\(hex(bits)) gpa=\(hex(access.gpa)) gla=\(hex(access.linear ? access.laddr : 0))"
    }
    var base = field(spptp, 51, 12) * 4096
    for level in [4, 3, 2] {
      let low = 12 + 9 * (level - 1)
      let entry = read(base + 8 * field(access.gpa, low + 8, low))
      if !bit(entry, 0) { return event(true, self) }
      for number in 1...63 where (number <= 11 || number >= maxpa) && bit(entry, number) { return event(false, self) }
      base = field(entry, 51, 12) * 4096
    }
    let vector = read(base + 8 * field(access.gpa, 20, 12))
    for number in stride(from: 1, through: 63, by: 2) where bit(vector, number) { return event(false, self) }
    for byte in 0..<access.size where !bit(vector, 2 * Int(field(access.gpa + byte, 11, 7))) {
      return violation(access, path, ["write"])
    }
    return nil
  }

  struct Granted {
    let access: Access
    let path: Path
    let hpa: UInt64
    let bySubPage: Bool
  }

  enum Judgement {
    case granted(Granted)
    case refused(String)
  }

  func missingFlags(_ access: Access, _ path: Path) -> Bool {
    flagsEnabled && (!all(path, 8) || (isWriteForEPT(access) && !bit(path.leaf, 9)))
  }

  mutating func judge(_ access: Access) -> Judgement {
    if !ept { return .granted(Granted(access: access, path: Path(), hpa: access.gpa, bySubPage: false)) }
    let path = walk(access.gpa)
    if path.end == .misconfigured { return .refused("MISC gpa=\(hex(access.gpa))") }
    if path.end != .leaf { return .refused(violation(access, path, [])) }
    let denials = denials(access, path)
    var bySubPage = false
    if !denials.isEmpty {
      let eligible =
        sppControl && denials == ["write"] && access.write && access.linear && !access.table && !access.crosses
        && path.leafLevel == 1
        && bit(path.leaf, 61)
      if !eligible { return .refused(violation(access, path, denials)) }
      if let refusal = subPage(access, path) { return .refused(refusal) }
      bySubPage = true
    }
    if pml && missingFlags(access, path) && pmlIndex > 511 { return .refused("PMLFULL") }
    let low = 12 + 9 * (path.leafLevel - 1)
    let hpa = field(path.leaf, 51, low) * (1 << UInt64(low)) + field(access.gpa, low - 1, 0)
    return .granted(Granted(access: access, path: path, hpa: hpa, bySubPage: bySubPage))
  }

  mutating func setFlags(_ granted: Granted) {
    if !ept || !missingFlags(granted.access, granted.path) { return }
    if pml && isWriteForEPT(granted.access) && !bit(granted.path.leaf, 9) {
      write(pmlAddress + 8 * UInt64(pmlIndex), granted.access.gpa / 4096 * 4096)
      pmlIndex = pmlIndex == 0 ? 0xffff : pmlIndex - 1
    }
    for step in granted.path.steps {
      var entry = read(step.address)
      if !bit(entry, 8) { entry += 1 << 8 }
      let isLeaf = step.address == granted.path.steps.last?.address && step.level == granted.path.leafLevel
      if isLeaf && isWriteForEPT(granted.access) && !bit(entry, 9) { entry += 1 << 9 }
      if entry != read(step.address) { write(step.address, entry) }
    }
  }

  /// With paging off there are only user-mode, writable, executable linear addresses of 32 bits.
  func withoutPaging(_ access: Access) -> Access {
    var access = access
    access.user = true
    access.writable = true
    access.noExecute = false
    access.laddr %= 1 << 32
    return access
  }

  mutating func gpa(_ access: Access) -> String {
    stores = []
    var access = access
    if linearBits == 32 { access.laddr %= 1 << 32 }
    switch judge(paging == "off" ? withoutPaging(access) : access) {
    case .refused(let text): return text + effects()
    case .granted(let granted):
      setFlags(granted)
      return ok([granted]) + effects()
    }
  }

  // MARK: The rest

  func eptpok(_ value: UInt64) -> Bool {
    let type = field(value, 2, 0)
    if !((type == 0 && uc) || (type == 6 && wb)) { return false }
    let length = field(value, 5, 3) + 1
    if !(length == 4 || (length == 5 && walk5)) { return false }
    if bit(value, 6) && !ad { return false }
    if bit(value, 7) && !cet { return false }
    if field(value, 11, 8) != 0 { return false }
    return field(value, 63, maxpa) == 0
  }

  mutating func vmfunc(_ eax: UInt64, _ ecx: UInt64) -> String {
    stores = []
    if !vmfunc || eax > 63 { return "UD" + effects() }
    if !bit(vmfctl, Int(eax)) || eax != 0 || ecx >= 512 { return "VMFUNCEXIT" + effects() }
    let value = read(eptplist + 8 * ecx)
    if !eptpok(value) || field(value, 5, 3) != field(eptp, 5, 3) { return "VMFUNCEXIT" + effects() }
    eptp = value
    if ve { eptpIndex = ecx }
    return "OK eptp=\(hex(eptp)) idx=\(hex(eptpIndex))" + effects()
  }

  func invept(_ type: UInt64, _ value: UInt64) -> String {
    type == 2 || (type == 1 && eptpok(value)) ? "OK" : "FAIL 28"
  }

  func invvpid(_ type: UInt64, _ vpid: UInt64, _ laddr: UInt64) -> String {
    if type > 3 || vpid > 0xffff { return "FAIL 28" }
    if type != 2 && vpid == 0 { return "FAIL 28" }
    let highest = paging == "5" ? 56 : 47
    if type == 0 && (highest...63).contains(where: { bit(laddr, $0) != bit(laddr, 63) }) { return "FAIL 28" }
    return "OK"
  }
}
