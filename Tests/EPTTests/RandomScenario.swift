import SeededRandom
import EPT

/// Random tables and random queries: each line goes to the walk script as text and to the slow model as calls; answers are compared word by word.
struct RandomScenario {
  var random: SplitMix64
  var model = SlowModel()
  var script = WalkScript()
  /// The lines of this scenario, for a failure to be reported with.
  private(set) var lines: [String] = []
  /// How often each kind of answer was given.
  var answers: [String: Int] = [:]
  var queries = 0
  /// The guest's paging mode in every scenario.
  let mode: String
  private var output = ScriptAnswer()

  init(seed: UInt64, mode: String) {
    random = SplitMix64(seed: seed)
    self.mode = mode
  }

  /// Sends a line; what was answered, without the line end.
  mutating func send(_ line: String) -> String {
    lines.append(line)
    output.bytes.removeAll(keepingCapacity: true)
    Array((line + "\n").utf8).withUnsafeBytes { script.feed($0, &output) }
    return String(decoding: output.bytes.dropLast(output.bytes.isEmpty ? 0 : 1), as: UTF8.self)
  }

  /// A complaint if a query is not answered as the model does.
  mutating func compare(_ line: String, _ expected: String) -> String? {
    queries += 1
    let kind = expected.prefix { $0 != " " }
    if kind.first?.isUppercase == true { answers[String(kind), default: 0] += 1 }
    let answered = send(line)
    guard answered != expected else { return nil }
    return "after:\n\(lines.joined(separator: "\n"))\nanswered: \(answered)\nexpected: \(expected)"
  }

  mutating func set(_ address: UInt64, _ value: UInt64) {
    model.memory[address] = value
    _ = send("w64 \(hex(address)) \(hex(value))")
  }

  // MARK: Configuration

  mutating func configure() {
    lines.removeAll(keepingCapacity: true)
    model.memory = [:]
    _ = send("zero")
    model.maxpa = random.pick([36, 39, 40, 46, 46, 50, 52])
    model.xonly = !random.oneIn(3)
    model.x1g = !random.oneIn(4)
    model.x2m = !random.oneIn(4)
    model.uc = !random.oneIn(4)
    model.wb = !random.oneIn(4)
    model.ad = !random.oneIn(4)
    model.adv = random.oneIn(2)
    model.cet = !random.oneIn(4)
    model.ve = !random.oneIn(3)
    model.walk5 = random.oneIn(2)
    model.page1gb = !random.oneIn(3)
    _ = send(
      "cap maxpa=\(model.maxpa) xonly=\(model.xonly.digit) x1g=\(model.x1g.digit) x2m=\(model.x2m.digit) uc=\(model.uc.digit)"
        + " wb=\(model.wb.digit) ad=\(model.ad.digit) adv=\(model.adv.digit) cet=\(model.cet.digit) ve=\(model.ve.digit)"
        + " walk5=\(model.walk5.digit) page1gb=\(model.page1gb.digit)")
    model.ept = !random.oneIn(30)
    model.mbec = random.oneIn(3)
    model.sppControl = random.oneIn(3)
    model.veControl = random.oneIn(3)
    model.pml = random.oneIn(2)
    model.vmfunc = !random.oneIn(5)
    model.vmfctl = random.pick([0, 1, 1, 1, 3])
    model.pw = random.oneIn(3)
    model.gpv = random.oneIn(3)
    _ = send(
      "ctl ept=\(model.ept.digit) mbec=\(model.mbec.digit) spp=\(model.sppControl.digit) ve=\(model.veControl.digit)"
        + " pml=\(model.pml.digit) vmfunc=\(model.vmfunc.digit) vmfctl=0x\(hex(model.vmfctl)) pw=\(model.pw.digit)"
        + " gpv=\(model.gpv.digit)")
    model.pe = !random.oneIn(10)
    model.pg = !random.oneIn(20)
    model.wp = !random.oneIn(3)
    model.smep = random.oneIn(2)
    model.smap = random.oneIn(2)
    model.ac = random.oneIn(2)
    model.nxe = !random.oneIn(3)
    model.inevent = random.oneIn(8)
    model.nmi = random.oneIn(6)
    setPaging()
    _ = send(
      "reg pe=\(model.pe.digit) pg=\(model.pg.digit) wp=\(model.wp.digit) smep=\(model.smep.digit) smap=\(model.smap.digit)"
        + " ac=\(model.ac.digit) nxe=\(model.nxe.digit) inevent=\(model.inevent.digit) nmi=\(model.nmi.digit)"
        + " cr3=0x\(hex(model.cr3)) mode=\(model.mode) pse=\(model.pse.digit) pke=\(model.pke.digit)"
        + " pkru=0x\(hex(model.pkru)) pks=\(model.pks.digit) pkrs=0x\(hex(model.pkrs)) cet=\(model.shadowStacks.digit)"
        + " pat=0x\(hex(model.pat))")
    for (number, value) in model.pdptes.enumerated() { _ = send("pdpte \(number) \(hex(value))") }
    model.guestFlagsBefore = random.oneIn(2)
    model.rmwread = random.oneIn(2)
    model.memtype = random.oneIn(2)
    model.highFirst = random.oneIn(3)
    _ = send(
      "policy guestad=\(model.guestFlagsBefore ? "before" : "after") rmwread=\(model.rmwread.digit)"
        + " memtype=\(model.memtype.digit) crossing=\(model.highFirst ? "high" : "low")")
    // The root of four levels lies at 1000, that of five at 6000.
    model.eptp = random.pick([0x1018, 0x1018, 0x6020]) | random.pick([0, 6])
    model.eptp |= (random.oneIn(2) ? 0x40 : 0) | (random.oneIn(4) ? 0x80 : 0)
    _ = send("eptp \(hex(model.eptp))")
    model.pmlAddress = 0x60000
    model.pmlIndex = random.pick([0x1ff, 0x1ff, 5, 1, 0, 0xffff, 0x200])
    _ = send("pml 60000 \(hex(UInt64(model.pmlIndex)))")
    model.veinfo = 0x70000
    model.eptpIndex = random.next() & 0xffff
    _ = send("veinfo 70000 \(hex(model.eptpIndex))")
    model.eptplist = 0x50000
    model.spptp = 0x40000
    _ = send("eptplist 50000")
    _ = send("spptp 40000")
    if random.oneIn(4) { set(0x70020, random.next()) }
    if random.oneIn(4) { set(0x70000, random.next()) }
    makeTables()
  }

  /// Entries that the tables of this scenario use: where random changes hit something.
  var entries: [UInt64] = []

  private mutating func makeTables() {
    entries = []
    let all: UInt64 = 0x437
    // EPT: 4 KiB pages 0...23 (guest tables at 8...11), a 2 MiB page, a 1 GiB page.
    for (address, value) in [
      (0x1000, 0x2407), (0x2000, 0x3407), (0x2008, 0x4000_0487), (0x3000, 0x4407), (0x3008, 0x20_0487),
      (0x3010, 0x5407), (0x6000, 0x1407), (0x6008, 0x1407),
    ] as [(UInt64, UInt64)] {
      entries.append(address)
      set(address, value | (address == 0x2008 || address == 0x3008 ? 0x30 : 0))
    }
    for page in UInt64(0)..<24 {
      let address = 0x4000 + page * 8
      entries.append(address)
      var bits = random.oneIn(3) ? random.pick([0x031, 0x035, 0x034, 0x033, 0x433, 0x431, 0x030, 0x430]) : all
      if random.oneIn(3) { bits |= 1 << random.pick([57, 58, 58, 60, 61, 61, 63, 8, 9]) }
      if model.sppControl && random.oneIn(3) { bits = random.pick([0x431, 0x435, 0x434]) | 1 << 61 }
      set(address, (0x20 + page) << 12 | bits)
    }
    makeGuestTables()
    // Sub-page tables.
    for (address, value) in [(0x40000, 0x41001), (0x41000, 0x42001), (0x42000, 0x43001)] as [(UInt64, UInt64)] {
      entries.append(address)
      set(address, random.oneIn(6) ? value ^ 1 << (random.next() % 64) : value)
    }
    for page in UInt64(0)..<24 where random.oneIn(2) {
      entries.append(0x43000 + page * 8)
      set(0x43000 + page * 8, random.next() & (random.oneIn(8) ? ~0 : 0x5555_5555_5555_5555))
    }
    for _ in 0..<(random.next() % 4) { mutate() }
  }

  /// Changes one entry at random: some bits flipped, cleared, or replaced.
  private mutating func mutate() {
    let address = random.pick(entries)
    var value = model.read(address)
    switch random.next() % 8 {
    case 0: value = 0
    case 1: value &= ~7
    case 2: value = value & ~7 | random.next() & 7
    case 3: value ^= 1 << (random.next() % 64)
    case 4: value = value & ~0x38 | random.next() & 0x38
    case 5: value |= 1 << random.pick([10, 57, 58, 60, 61, 63])
    case 6: value ^= 1 << random.pick([0, 1, 2, 3, 6, 7, 8, 9, 10, 12, 13, 20, 21, 29, 30, 36, 45, 46, 47, 48, 51, 52])
    default:
      // Another table of the same kind: tables that refer to themselves and to each other.
      let isGuest = address >= 0x8000
      let table: UInt64 = isGuest ? 0x7000 + random.next() % 5 * 0x1000 : 0x1000 + random.next() % 6 * 0x1000
      if isGuest && mode == "32" {
        value = random.oneIn(2) ? value & ~0xffff_f000 | table : value & ~(0xffff_f000 << 32) | table << 32
      } else if address < 0x40000 {
        value = value & ~EPTEntry.addressMask | table
      }
    }
    set(address, value)
  }

  // MARK: Queries

  /// Some queries of a configured scenario, with changes of tables and registers between; the first complaint, if any.
  mutating func run(queries count: Int) -> String? {
    for _ in 0..<count {
      if random.oneIn(4) { mutate() }
      if random.oneIn(16) { set(0x70000, 0) }
      let complaint: String?
      switch random.next() % 16 {
      case 0: complaint = vmfuncQuery()
      case 1: complaint = random.oneIn(2) ? smallQuery() : registerQuery()
      case 2...5: complaint = physicalQuery()
      default: complaint = linearQuery()
      }
      if let complaint { return complaint }
    }
    return nil
  }

  private mutating func guestPhysical() -> UInt64 {
    switch random.next() % 16 {
    case 0: 0x20_0000 + random.next() % 0x20_0000
    case 1: 0x4000_0000 + random.next() % 0x4000_0000
    case 2: 0x40_0000 + random.next() % 0x20_0000
    case 3: random.next() & 0xffff_ffff_ffff
    case 4: random.next() & (model.hasFiveLevels ? 0xf_ffff_ffff_ffff : ~0)
    case 5: 1 << (random.next() % (model.hasFiveLevels ? 52 : 64))
    case 6: (random.next() % 0x18000) | 1 << 48
    default: random.next() % 0x18000
    }
  }

  private mutating func physicalQuery() -> String? {
    let kind = random.pick(["r", "w", "x", "rw", "sr", "sw", "w"])
    var access = SlowModel.Access(gpa: guestPhysical())
    access.read = ["r", "rw", "sr"].contains(kind)
    access.write = ["w", "rw", "sw"].contains(kind)
    access.fetch = kind == "x"
    access.shadowStack = kind.hasPrefix("s")
    access.laddr = random.oneIn(2) ? access.gpa & 0xffff_ffff : random.next() & 0x7fff_ffff_f000 | access.gpa & 0xfff
    access.linear = !random.oneIn(6)
    access.table = random.oneIn(4) && ["r", "w"].contains(kind)
    access.user = random.oneIn(2)
    access.writable = random.oneIn(2)
    access.noExecute = random.oneIn(2)
    if random.oneIn(3) { access.size = 1 + random.next() % (4096 - access.gpa % 4096) }
    let supervisor = random.oneIn(2) && access.shadowStack
    access.supervisorShadowStack = supervisor
    return compare(
      "gpa \(hex(access.gpa)) \(kind) laddr=0x\(hex(access.laddr)) lv=\(access.linear.digit) walk=\(access.table.digit)"
        + " user=\(access.user.digit) wr=\(access.writable.digit) nx=\(access.noExecute.digit) sss=\(supervisor.digit)"
        + (access.size == 1 ? "" : " size=\(access.size)"),
      model.gpa(access))
  }

  private mutating func pointer() -> UInt64 {
    var pointer: UInt64 = random.pick([0x1018, 0x6020]) | random.pick([6, 0])
    if random.oneIn(2) { pointer |= 0x40 }
    if random.oneIn(3) { pointer ^= 1 << (random.next() % 64) }
    return pointer
  }

  private mutating func vmfuncQuery() -> String? {
    let index = random.next() % 4
    set(0x50000 + index * 8, pointer())
    let eax: UInt64 = random.pick([0, 0, 0, 0, 1, 63, 64, 0x1_0000_0000])
    let ecx: UInt64 = random.pick([index, index, index, 512, 511, 0xffff_ffff])
    return compare("vmfunc \(hex(eax)) \(hex(ecx))", model.vmfunc(eax & 0xffff_ffff, ecx))
  }

  private mutating func smallQuery() -> String? {
    let pointer = pointer()
    switch random.next() % 4 {
    case 0: return compare("eptpok \(hex(pointer))", model.eptpok(pointer) ? "1" : "0")
    case 1:
      let type = random.next() % 4
      return compare("invept \(hex(type)) \(hex(pointer))", model.invept(type, pointer))
    case 2:
      let (type, vpid) = (random.next() % 6, random.pick([0, 1, 0xffff, 0x10000, 1 << 63]) as UInt64)
      let linear: UInt64 = random.pick([
        0, 0x7fff_ffff_ffff, 0x8000_0000_0000, 0xffff_8000_0000_0000, 0xff_ffff_ffff_ffff, 1 << 56, ~0 << 56, 1 << 63,
      ])
      return compare("invvpid \(hex(type)) \(hex(vpid)) \(hex(linear))", model.invvpid(type, vpid, linear))
    default:
      let address = random.pick(entries)
      return compare("r64 \(hex(address))", hex(model.read(address)))
    }
  }
}

extension Bool {
  var digit: Int { self ? 1 : 0 }
}
