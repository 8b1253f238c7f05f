import EPT

/// A script session, line by line.
struct Session {
  var script = WalkScript()
  private var output = ScriptAnswer()

  init(_ lines: String...) {
    for line in lines { _ = send(line) }
  }

  /// What a line answers, without the line end of the last.
  mutating func send(_ line: String) -> String {
    output.bytes.removeAll(keepingCapacity: true)
    Array((line + "\n").utf8).withUnsafeBytes { script.feed($0, &output) }
    return String(decoding: output.bytes.dropLast(output.bytes.isEmpty ? 0 : 1), as: UTF8.self)
  }

  /// What a query answers, without what was stored.
  mutating func ask(_ line: String) -> String { String(send(line).prefix { $0 != "|" }.dropLast()) }

  mutating func put(_ address: UInt64, _ value: UInt64) { _ = send("w64 \(hex(address)) \(hex(value))") }

  mutating func word(_ address: UInt64) -> UInt64 { UInt64(send("r64 \(hex(address))"), radix: 16) ?? 0 }
}

/// A kind of guest entry: its mode, its level, and whether it maps a page.
struct GuestShape: CustomStringConvertible, Sendable {
  let mode: String
  let level: Int
  let isPage: Bool

  static let all: [GuestShape] = [
    .init(mode: "32", level: 2, isPage: false), .init(mode: "32", level: 2, isPage: true),
    .init(mode: "32", level: 1, isPage: true), .init(mode: "pae", level: 2, isPage: false),
    .init(mode: "pae", level: 2, isPage: true), .init(mode: "pae", level: 1, isPage: true),
    .init(mode: "4", level: 4, isPage: false), .init(mode: "4", level: 3, isPage: false),
    .init(mode: "4", level: 3, isPage: true), .init(mode: "4", level: 2, isPage: false),
    .init(mode: "4", level: 2, isPage: true), .init(mode: "4", level: 1, isPage: true),
    .init(mode: "5", level: 5, isPage: false), .init(mode: "5", level: 4, isPage: false),
    .init(mode: "5", level: 3, isPage: false), .init(mode: "5", level: 3, isPage: true),
    .init(mode: "5", level: 2, isPage: false), .init(mode: "5", level: 2, isPage: true),
    .init(mode: "5", level: 1, isPage: true),
  ]
  static let pages = all.filter(\.isPage)

  var description: String { "mode \(mode), level \(level), \(isPage ? "page" : "table")" }
  var entryBits: Int { mode == "32" ? 32 : 64 }
  /// The lowest bit of the address that the entry holds.
  var addressLow: Int { isPage ? [1: 12, 2: mode == "32" ? 22 : 21, 3: 30][level] ?? 12 : 12 }
}

/// A guest of one mode with one entry on trial; every other entry grants everything. EPT maps the first 2 GByte to themselves.
struct ModeWorld {
  let shape: GuestShape
  var session: Session
  /// Where the entry on trial lies.
  let address: UInt64
  /// The entry that grants everything.
  let plain: UInt64
  let linear: UInt64

  /// Tables lie at 11000 (level 5) to 15000 (level 1), the page at 16000; a large page lies at 40000000.
  static let tables: [Int: UInt64] = [5: 0x11000, 4: 0x12000, 3: 0x13000, 2: 0x14000, 1: 0x15000]
  static let page: UInt64 = 0x16000
  static let largePage: UInt64 = 0x4000_0000
  /// The index in each table.
  static let indices: [Int: UInt64] = [5: 3, 4: 5, 3: 2, 2: 7, 1: 9]

  init(_ shape: GuestShape, width: Int = 46, _ registers: String = "") {
    self.shape = shape
    session = Session(
      "cap maxpa=\(width)", "eptp 101e", "w64 1000 2007", "w64 2000 b7", "w64 2008 400000b7",
      "reg mode=\(shape.mode) cr3=\(shape.mode == "5" ? "0x11000" : shape.mode == "4" ? "0x12000" : "0x14000") \(registers)"
    )
    let root = shape.mode == "5" ? 5 : shape.mode == "4" ? 4 : 2
    let isNarrow = shape.mode == "32"
    var linear: UInt64 = 0x123
    var (address, plain) = (UInt64(0), UInt64(0))
    for level in stride(from: root, through: 1, by: -1) {
      let index = Self.indices[level] ?? 0
      linear |= index << UInt64(isNarrow ? 12 + 10 * (level - 1) : 12 + 9 * (level - 1))
      let slot = (Self.tables[level] ?? 0) + index * (isNarrow ? 4 : 8)
      let isLeaf = level == 1 || (level == shape.level && shape.isPage)
      var entry = (Self.tables[level - 1] ?? Self.page) | 0x67
      if isLeaf && level > 1 { entry = Self.largePage | 0xe7 }
      if level == shape.level { (address, plain) = (slot, entry) }
      if level >= shape.level || !shape.isPage { Self.put(entry, at: slot, isNarrow, &session) }
    }
    if shape.mode == "pae" {
      linear |= 2 << 30
      _ = session.send("pdpte 2 14001")
    }
    (self.address, self.plain, self.linear) = (address, plain, linear)
  }

  private static func put(_ entry: UInt64, at slot: UInt64, _ isNarrow: Bool, _ session: inout Session) {
    guard isNarrow else { return session.put(slot, entry) }
    let shift = slot % 8 * 8
    let word = session.word(slot & ~7) & ~(0xffff_ffff << shift)
    session.put(slot & ~7, word | entry << shift)
  }

  mutating func put(_ entry: UInt64) { Self.put(entry, at: address, shape.mode == "32", &session) }

  /// What an access to the linear address answers.
  mutating func ask(_ kind: String, _ more: String = "user=1") -> String {
    session.ask("la \(hex(linear)) \(kind) \(more)")
  }

  /// The answer if the access is permitted, with other bits of the page's address exchanged.
  func ok(_ changed: UInt64 = 0) -> String {
    let low = UInt64(1) << UInt64(shape.isPage ? shape.addressLow : 12)
    let frame = shape.isPage && shape.level > 1 ? Self.largePage : Self.page
    return "OK hpa=\(hex(((frame ^ changed) & ~(low - 1)) | linear & (low - 1)))"
  }

  func fault(_ code: UInt64) -> String { "PF ec=\(hex(code)) la=\(hex(linear))" }
}
