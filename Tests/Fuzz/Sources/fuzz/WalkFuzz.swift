import EPT

/// Lines of the walk protocol with its extension, made from numbers, so that nearly all are understood: guests of every paging mode, 5-level EPT,
/// accesses that cross pages, loads of CR3, invalidations.
///
/// Two sessions get them. One caches whatever it may and invalidates everything after each line, the other caches nothing; they answer alike.
struct WalkFuzz: FuzzTarget {
  var seeds: [[UInt8]] {
    // For each mode lines of all kinds, with operands that differ.
    var seeds: [[UInt8]] = [[3, 0, 1, 2, 3, 1, 1, 1, 14, 14, 14, 9, 9, 9, 13, 13, 13]]
    for mode in UInt8(0)..<5 {
      var seed = [mode]
      for line in UInt8(0)..<40 { seed += [line % 16, line &* 37, line &* 11, line, line &* 3] }
      seeds.append(seed)
    }
    return seeds
  }

  /// Where tables of EPT, of the guest and of sub-page permissions lie. Each kind leads to its own, so that no flag set in one is an edit of another.
  private static let tables: [[UInt64]] = [
    [0x1000, 0x2000, 0x3000, 0x4000], [0x1_0000, 0x1_1000, 0x1_2000, 0x1_3000, 0x1_4000],
    [0x4_0000, 0x4_1000, 0x4_2000, 0x4_3000],
  ]

  func read(_ input: UnsafeRawBufferPointer) {
    var numbers = InputNumbers(input)
    var caching = Session()
    var plain = Session()
    caching.send("policy cache=maximal\n")
    let mode = ["off", "32", "pae", "4", "5"][numbers.below(5)]
    for line in [
      "cap walk5=\(numbers.below(2))", "eptp 101e", "eptplist 50000", "spptp 40000", "pml 60000 1ff", "veinfo 70000 0",
      "w64 1000 2007", "w64 2000 b7", "w64 2008 3007", "w64 3000 4007", "w64 50000 101e",
      "reg mode=\(mode) cr3=0x10000", "pdpte 0 11001",
    ] {
      Self.both(line, &caching, &plain)
    }
    var lines = 0
    while !numbers.isEmpty, lines < 96 {
      Self.both(line(&numbers), &caching, &plain)
      lines += 1
    }
  }

  private static func both(_ line: String, _ caching: inout Session, _ plain: inout Session) {
    let (kept, fresh) = (caching.send(line + "\n"), plain.send(line + "\n"))
    precondition(kept == fresh, "\(line): \(kept) with caches, \(fresh) without")
    precondition(!fresh.contains("unknown command"), line)
    caching.send("invept 2 0\ninvvpid 2 0 0\n")
  }

  private func address(_ numbers: inout InputNumbers) -> UInt64 {
    let kind = numbers.next(UInt8.self)
    let low = UInt64(numbers.next(UInt8.self))
    switch kind & 7 {
    case 0: return low << 12 | 0xff8
    case 1: return low << 21 | 0xfff
    case 2: return low << 30 | 0x10
    case 3: return low << 39 | 0x1010
    case 4: return low << 48 | 0x1010
    case 5: return ~0 << (low & 63)
    default: return (low & 15) << 12 | UInt64(kind)
    }
  }

  /// An entry of a kind of table, of the lowest level or above it.
  private func value(_ numbers: inout InputNumbers, _ kind: Int = 1, isLowest: Bool = false) -> UInt64 {
    let bits = UInt64(numbers.next(UInt16.self))
    let odd = numbers.next(UInt8.self)
    let tables = Self.tables[kind]
    let address = kind == 0 && isLowest ? 0x1_0000 + bits << 12 & 0xf_0000 : tables[numbers.below(tables.count)]
    var value = address | bits & 0xfff
    if odd & 1 != 0 { value |= kind == 1 ? 0x67 : 7 }
    if odd & 2 != 0 { value |= 0x4000_0000 }
    if odd & 0xc0 == 0xc0 && !(12...20).contains(odd & 63) { value ^= 1 << UInt64(odd & 63) }
    if odd & 0xc0 == 0x40 && kind == 1 { value |= (value & 0xffff_ffff) << 32 }
    return value
  }

  private func line(_ numbers: inout InputNumbers) -> String {
    func hex(_ value: UInt64) -> String { String(value, radix: 16) }
    let kinds = ["r", "w", "x", "rw", "sr", "sw"]
    let step = numbers.next(UInt8.self)
    let flags = numbers.next(UInt8.self)
    func flag(_ bit: UInt8) -> Int { flags >> bit & 1 == 0 ? 0 : 1 }
    switch step & 15 {
    case 0: return "movcr3 \(hex(value(&numbers) & ~0xf00 | UInt64(flag(7)) << 63))"
    case 1: return "pdpte \(flags & 3) \(hex(value(&numbers)))"
    case 2: return "invlpg \(hex(address(&numbers)))"
    case 3: return "invpcid \(flags & 3) \(flags >> 4) \(hex(address(&numbers)))"
    case 4: return "invvpid \(flags & 3) \(flags >> 6) \(hex(address(&numbers)))"
    case 5:
      let modes = ["off", "32", "pae", "4", "4", "5"]
      return "reg mode=\(modes[numbers.below(6)]) pse=\(flag(0)) pge=\(flag(1)) pke=\(flag(2)) pks=\(flag(3)) wp=1 "
        + "cet=\(flag(4)) smep=\(flag(5)) smap=\(flag(6)) nxe=\(flag(7)) pkru=\(flags) pkrs=\(flags >> 2)"
    case 6:
      return
        "ctl vpid=\(flags & 3) mbec=\(flag(2)) spp=\(flag(3)) ve=\(flag(4)) pml=\(flag(5)) pw=\(flag(6)) gpv=\(flag(7))"
    case 7:
      return
        "policy memtype=\(flag(0)) crossing=\(flag(1) == 0 ? "low" : "high") guestad=\(flag(2) == 0 ? "after" : "before")"
    case 8:
      return ["vmexit", "vmentry", "vmfunc 0 0", "zero", "r64 1000", "r64 10000", "reg pcide=1", "reg pcide=0"][
        Int(flags & 7)]
    case 9: return "eptp \(hex(0x1000 | [0x1e, 0x5e, 0x9e, 0x26, 0x66][numbers.below(5)]))"
    case 10, 11:
      return
        "gpa \(hex(address(&numbers) & 0xf_ffff_ffff_f000)) \(kinds[Int(flags & 7) % 6]) lv=\(flag(3)) walk=\(flag(4)) user=\(flag(5)) size=\(numbers.below(4096) + 1)"
    case 12, 13:
      let kind = [0, 1, 1, 1, 2][numbers.below(5)]
      let table = Self.tables[kind][numbers.below(Self.tables[kind].count)]
      let slot = table | UInt64(flags & 7) << 3
      return "w64 \(hex(slot)) \(hex(value(&numbers, kind, isLowest: table == 0x4000)))"
    default:
      return
        "la \(hex(address(&numbers))) \(kinds[Int(flags & 7) % 6]) user=\(flag(3)) size=\(numbers.below(4096) + 1) implicit=\(flag(4)) stack=\(flag(5))"
    }
  }
}

/// A session of the walk protocol.
private struct Session {
  private var script = WalkScript(memory: SparseMemory(pageLimit: 256))
  private var answer = ScriptAnswer()

  @discardableResult
  mutating func send(_ lines: String) -> String {
    answer.bytes.removeAll(keepingCapacity: true)
    Array(lines.utf8).withUnsafeBytes { script.feed($0, &answer) }
    let text = String(decoding: answer.bytes, as: UTF8.self)
    // The sessions number their lines differently.
    return text.hasPrefix("ERR line ") ? String(text.drop { $0 != ":" }) : text
  }
}
