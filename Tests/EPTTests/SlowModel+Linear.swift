/// The slow model's second half: linear addresses, after the chapters "Paging" (SDM vol. 3A) and "VMX Support for Address
/// Translation" (vol. 3C). Each mode's tables are listed as the manual lists them: which address bits select the entry, which bits
/// of it are reserved.
extension SlowModel {
  /// The mode in force: paging off, or the mode that the control registers select.
  var paging: String { pg ? mode : "off" }

  /// How many bits a linear address has before it is looked at.
  var linearBits: Int { ["4", "5"].contains(paging) ? 64 : 32 }

  /// One access to a linear address.
  struct Linear {
    var address: UInt64
    /// r, w, x, rw, sr or sw.
    var kind = "r"
    var user = false
    var size: UInt64 = 1
    var implicit = false
    var stack = false

    var isWrite: Bool { ["w", "rw", "sw"].contains(kind) }
    var isShadowStack: Bool { ["sr", "sw"].contains(kind) }
    /// A supervisor-mode access: by privilege, or made implicitly to a system structure.
    var isSupervisor: Bool { implicit || !user }
  }

  mutating func la(_ access: Linear) -> String {
    stores = []
    return answer(access) + effects()
  }

  private mutating func answer(_ access: Linear) -> String {
    var first = access.address
    var last = access.address &+ (access.size - 1)
    if linearBits == 32 {
      first %= 1 << 32
      last %= 1 << 32
    }
    if !isCanonical(first) || !isCanonical(last) { return access.stack ? "SS" : "GP" }
    var halves = [access]
    halves[0].address = first
    let crosses = first / 4096 != last / 4096
    if crosses {
      halves[0].size = 4096 - first % 4096
      var high = access
      high.address = last / 4096 * 4096
      high.size = access.size - halves[0].size
      halves.append(high)
    }
    var granted: [UInt64: Granted] = [:]
    for half in highFirst ? halves.reversed() : halves {
      switch translate(half, crosses) {
      case .refused(let text): return text
      case .granted(let part): granted[half.address] = part
      }
    }
    return ok(halves.compactMap { granted[$0.address] })
  }

  /// The upper bits are all equal to the highest one that counts.
  private func isCanonical(_ address: UInt64) -> Bool {
    let highest = paging == "4" ? 47 : paging == "5" ? 56 : 0
    if highest == 0 { return true }
    return (highest...63).allSatisfy { bit(address, $0) == bit(address, highest) }
  }

  /// The answer to a permitted access, of the parts from the lowest byte up.
  func ok(_ parts: [Granted]) -> String {
    var text = "OK hpa=\(hex(parts[0].hpa))"
    if parts.contains(where: \.bySubPage) { text += " spp" }
    if memtype { text += " mt=\(memoryType(parts[0]))" }
    return text
  }

  // MARK: The guest's tables

  /// What the manual's table for an entry says.
  private struct Format {
    let level: Int
    /// The address bits that select the entry.
    let high: Int
    let low: Int
    /// 4 or 8.
    var bytes: UInt64 = 8
    /// Bit 7 makes the entry map a page.
    var mayMapPage = false
    /// Reserved in an entry that refers to a table, and in one that maps a page.
    var reservedInTable: [Int] = []
    var reservedInPage: [Int] = []
  }

  private func formats() -> [Format] {
    let beyond = maxpa < 52 ? Array(maxpa...51) : []
    switch paging {
    case "32":
      // 4-MByte pages hold address bits 39:32 in bits 20:13, as many as the processor has; the rest up to bit 21 is reserved.
      let width = maxpa < 40 ? maxpa : 40
      return [
        Format(level: 2, high: 31, low: 22, bytes: 4, mayMapPage: pse, reservedInPage: Array((width - 19)...21)),
        Format(level: 1, high: 21, low: 12, bytes: 4),
      ]
    case "pae":
      let always = Array(maxpa...62) + (nxe ? [] : [63])
      return [
        Format(
          level: 2, high: 29, low: 21, mayMapPage: true, reservedInTable: always,
          reservedInPage: always + Array(13...20)),
        Format(level: 1, high: 20, low: 12, reservedInPage: always),
      ]
    default:
      let always = beyond + (nxe ? [] : [63])
      let huge = page1gb ? always + Array(13...29) : always + [7]
      let upper = [
        Format(level: 4, high: 47, low: 39, reservedInTable: always + [7]),
        Format(level: 3, high: 38, low: 30, mayMapPage: true, reservedInTable: always, reservedInPage: huge),
        Format(
          level: 2, high: 29, low: 21, mayMapPage: true, reservedInTable: always,
          reservedInPage: always + Array(13...20)),
        Format(level: 1, high: 20, low: 12, reservedInPage: always),
      ]
      return paging == "5" ? [Format(level: 5, high: 56, low: 48, reservedInTable: always + [7])] + upper : upper
    }
  }

  /// What the tables say of the page that holds an address.
  private struct Page {
    var address: UInt64 = 0
    var isUser = true
    var isWritable = true
    /// R/W is 1 in every entry but the one that maps the page.
    var isWritableAbove = true
    var isExecuteDisable = false
    var isUnverified = false
    var leaf: UInt64 = 0
    var leafLevel = 1

    /// R/W is 0 and the dirty flag 1 in the entry that maps the page, R/W is 1 in all others.
    var isShadowStack: Bool { isWritableAbove && leaf / 2 % 2 == 0 && leaf / 64 % 2 == 1 }
  }

  private struct GuestStep {
    let gpa: UInt64
    /// The aligned quadword that holds the entry, and how far up in it.
    let word: UInt64
    let shift: UInt64
    let path: Path
    /// What the entry held when it was read.
    let entry: UInt64
    let wanted: UInt64
  }

  private enum Walked {
    case page(Page, [GuestStep])
    case refused(String)
  }

  private mutating func walkGuest(_ linear: Linear) -> Walked {
    var table = field(cr3, 51, 12) * 4096
    if paging == "32" { table = field(cr3, 31, 12) * 4096 }
    if paging == "pae" {
      let register = pdptes[Int(field(linear.address, 31, 30))]
      if !bit(register, 0) { return .refused(fault(linear, present: false)) }
      table = field(register, 51, 12) * 4096
    }
    var page = Page()
    var steps: [GuestStep] = []
    for format in formats() {
      let gpa = table + format.bytes * field(linear.address, format.high, format.low)
      let access = Access(gpa: gpa, read: true, laddr: linear.address, table: true)
      let granted: Granted
      switch judge(access) {
      case .refused(let text): return .refused(text)
      case .granted(let it): granted = it
      }
      setFlags(granted)
      let shift = granted.hpa % 8 * 8
      var entry = read(granted.hpa / 8 * 8)
      if format.bytes == 4 { entry = field(entry, Int(shift) + 31, Int(shift)) }
      if !bit(entry, 0) { return .refused(fault(linear, present: false)) }
      let isLeaf = format.level == 1 || (format.mayMapPage && bit(entry, 7))
      for number in isLeaf ? format.reservedInPage : format.reservedInTable where bit(entry, number) {
        return .refused(fault(linear, present: true, reserved: true))
      }
      if !bit(entry, 2) { page.isUser = false }
      if !bit(entry, 1) {
        page.isWritable = false
        if !isLeaf { page.isWritableAbove = false }
      }
      if format.bytes == 8 && bit(entry, 63) { page.isExecuteDisable = true }
      if ept && !bit(granted.path.leaf, 58) { page.isUnverified = true }
      steps.append(
        GuestStep(
          gpa: gpa, word: granted.hpa / 8 * 8, shift: shift, path: granted.path, entry: entry,
          wanted: isLeaf && linear.isWrite ? 0x60 : 0x20))
      if isLeaf {
        page.leaf = entry
        page.leafLevel = format.level
        page.address = pageAddress(entry, format) + linear.address % (1 << UInt64(format.low))
        return .page(page, steps)
      }
      table = format.bytes == 4 ? field(entry, 31, 12) * 4096 : field(entry, 51, 12) * 4096
    }
    return .page(page, steps)
  }

  /// Where the page of an entry lies.
  private func pageAddress(_ entry: UInt64, _ format: Format) -> UInt64 {
    if format.bytes == 8 { return field(entry, 51, format.low) * (1 << UInt64(format.low)) }
    if format.level == 1 { return field(entry, 31, 12) * 4096 }
    return field(entry, 20, 13) * (1 << 32) + field(entry, 31, 22) * (1 << 22)
  }

  // MARK: Rights

  private func fault(_ linear: Linear, present: Bool, reserved: Bool = false, key: Bool = false) -> String {
    var code: UInt64 = present ? 1 : 0
    if linear.isWrite { code += 2 }
    if !linear.isSupervisor { code += 4 }
    if reserved { code += 8 }
    if linear.kind == "x" && (smep || (nxe && paging != "32")) { code += 16 }
    if key { code += 32 }
    if linear.isShadowStack { code += 64 }
    return "PF ec=\(hex(code)) la=\(hex(linear.address))"
  }

  /// "Determination of Access Rights", item by item.
  private func permits(_ linear: Linear, _ page: Page) -> Bool {
    if linear.isShadowStack { return page.isShadowStack && page.isUser != linear.isSupervisor }
    if linear.kind == "x" {
      if page.isExecuteDisable { return false }
      return linear.isSupervisor ? !page.isUser || !smep : page.isUser
    }
    if !linear.isSupervisor { return page.isUser && (!linear.isWrite || page.isWritable) }
    if page.isUser && smap {
      let isExplicitWithAC = ac && !linear.implicit
      if !isExplicitWithAC { return false }
    }
    return !linear.isWrite || !wp || page.isWritable
  }

  /// "Protection Keys": 4-level and 5-level paging, data accesses. The key is bits 62:59 of the entry that maps the page.
  private func keyDenies(_ linear: Linear, _ page: Page) -> Bool {
    guard paging == "4" || paging == "5", linear.kind != "x" else { return false }
    let register: UInt64
    if page.isUser {
      if !pke { return false }
      register = pkru
    } else {
      if !pks { return false }
      register = pkrs
    }
    let key = Int(field(page.leaf, 62, 59))
    if bit(register, 2 * key) { return true }
    return bit(register, 2 * key + 1) && linear.isWrite && (!linear.isSupervisor || wp)
  }

  // MARK: Both dimensions

  private mutating func setGuestFlags(_ steps: [GuestStep], _ linear: Linear) -> String? {
    for step in steps {
      if step.entry & step.wanted == step.wanted { continue }
      let access = Access(gpa: step.gpa, write: true, laddr: linear.address, table: true)
      if ept {
        let denials = denials(access, step.path)
        if !denials.isEmpty { return violation(access, step.path, denials) }
      }
      let now = read(step.word)
      let wanted = now | step.wanted * (1 << step.shift)
      if wanted != now { write(step.word, wanted) }
    }
    return nil
  }

  private mutating func translate(_ linear: Linear, _ crosses: Bool) -> Judgement {
    var access = Access(gpa: linear.address, laddr: linear.address)
    access.read = ["r", "rw", "sr"].contains(linear.kind)
    access.write = linear.isWrite
    access.fetch = linear.kind == "x"
    access.shadowStack = linear.isShadowStack
    access.supervisorShadowStack = linear.isShadowStack && linear.isSupervisor
    access.size = linear.size
    access.crosses = crosses
    if paging == "off" { return complete(withoutPaging(access), [], linear) }
    switch walkGuest(linear) {
    case .refused(let text): return .refused(text)
    case .page(let page, let steps):
      let key = keyDenies(linear, page)
      if key || !permits(linear, page) { return .refused(fault(linear, present: true, key: key)) }
      access.gpa = page.address
      access.user = page.isUser
      access.writable = page.isWritable
      access.noExecute = page.isExecuteDisable
      access.unverified = page.isUnverified
      access.patType = patType(page)
      if guestFlagsBefore, let refusal = setGuestFlags(steps, linear) { return .refused(refusal) }
      return complete(access, guestFlagsBefore ? [] : steps, linear)
    }
  }

  private mutating func complete(_ access: Access, _ steps: [GuestStep], _ linear: Linear) -> Judgement {
    switch judge(access) {
    case .refused(let text): return .refused(text)
    case .granted(let granted):
      if let refusal = setGuestFlags(steps, linear) { return .refused(refusal) }
      setFlags(granted)
      return .granted(granted)
    }
  }

  // MARK: Memory types

  private func patType(_ page: Page) -> String {
    let index =
      (bit(page.leaf, page.leafLevel == 1 ? 7 : 12) ? 4 : 0) + (bit(page.leaf, 4) ? 2 : 0) + (bit(page.leaf, 3) ? 1 : 0)
    return Self.names[field(pat, 8 * index + 7, 8 * index)] ?? "UC"
  }

  private static let names: [UInt64: String] = [0: "UC", 1: "WC", 4: "WT", 5: "WP", 6: "WB", 7: "UC-"]

  /// The manual's table of effective types: a row for each type of EPT, and its columns UC, UC-, WC, WT, WB, WP of the PAT.
  private static let effective: [String: [String]] = [
    "UC": ["UC", "UC", "WC", "UC", "UC", "UC"], "WC": ["UC", "WC", "WC", "UC", "WC", "UC"],
    "WT": ["UC", "UC", "WC", "WT", "WT", "WP"], "WP": ["UC", "WC", "WC", "WT", "WP", "WP"],
    "WB": ["UC", "UC", "WC", "WT", "WB", "WP"],
  ]

  private func memoryType(_ granted: Granted) -> String {
    let column = ["UC", "UC-", "WC", "WT", "WB", "WP"].firstIndex(of: granted.access.patType) ?? 0
    let type = ept ? Self.names[field(granted.path.leaf, 5, 3)] ?? "" : "WB"
    let isIgnoring = ept && bit(granted.path.leaf, 6)
    let name = isIgnoring ? type : Self.effective[type]?[column] ?? ""
    return Self.names.first { $0.value == name }.map { hex($0.key) } ?? "?"
  }

  // MARK: CR3

  mutating func movcr3(_ value: UInt64) -> String {
    stores = []
    return load(value) + effects()
  }

  private mutating func load(_ value: UInt64) -> String {
    if paging == "4" || paging == "5" {
      if bit(value, 63) && !pcide { return "GP" }
      if field(value, 62, maxpa) != 0 { return "GP" }
      cr3 = field(value, 62, 0)
      return "OK"
    }
    let value = field(value, 31, 0)
    if paging == "pae" {
      var loaded: [UInt64] = []
      for number in UInt64(0)..<4 {
        let gpa = field(value, 31, 5) * 32 + 8 * number
        switch judge(Access(gpa: gpa, read: true, linear: false, table: true)) {
        case .refused(let text): return text
        case .granted(let granted):
          setFlags(granted)
          loaded.append(read(granted.hpa))
        }
      }
      if loaded.contains(where: { !isGoodPDPTE($0) }) { return "GP" }
      pdptes = loaded
    }
    cr3 = value
    return "OK"
  }

  /// In a PDPTE register that is present, bits 2:1, 8:5 and all from MAXPHYADDR on are reserved.
  func isGoodPDPTE(_ value: UInt64) -> Bool {
    !bit(value, 0) || ([1, 2, 5, 6, 7, 8] + Array(maxpa...63)).allSatisfy { !bit(value, $0) }
  }
}
