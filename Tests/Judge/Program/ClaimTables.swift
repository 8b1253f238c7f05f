/// What the claim tables of `Tests/EPTTests` put on trial, entry by entry and bit by bit, as scripts. They hold no answers.
enum ClaimTable: CaseIterable {
  /// Every combination of rights, in every kind of entry, for every access; see `RightsTests`.
  case rights
  /// Every other bit, in every kind of entry, present or not; see `ReservedBitTests`.
  case bits
  /// Every memory type of every kind of page.
  case memoryTypes
  /// A denial above does not hide what is amiss below.
  case priority
  /// Rights of the page of a guest table, for walks with and without flags.
  case guestTablePages
  /// Every bit of an EPT pointer.
  case pointers
  /// Accessed and dirty flags, and the log, from every state of the flags and the index.
  case flags
  /// Flags of guest entries in pages that EPT does not let be written.
  case guestFlags
  /// Every bit of the entries and of the vector of the sub-page permission tables.
  case subPageBits
}

/// A kind of entry on trial: its level, and whether it maps a page.
private struct Trial {
  let level: Int
  let isPage: Bool

  static let all = [(4, false), (3, false), (3, true), (2, false), (2, true), (1, true)].map(Trial.init)
  static let pages = all.filter(\.isPage)
  /// An address below 64 MiB of a 1-GiB page, whose walk meets the entry.
  static let gpa: UInt64 = 0x40_0060_3120

  /// Where the entry of a level stands: tables at 1000H for level 4 to 4000H for level 1.
  static func address(_ level: Int) -> UInt64 {
    UInt64(5 - level) << 12 | (gpa >> UInt64(3 + 9 * level) & 511) << 3
  }

  /// An entry of this level that grants everything.
  static func plain(_ level: Int, isPage: Bool) -> UInt64 {
    guard isPage else { return UInt64(6 - level) << 12 | 7 }
    return level == 3 ? 0xb7 : level == 2 ? 0x60_00b7 : 0x20_3037
  }

  var address: UInt64 { Self.address(level) }
  var plain: UInt64 { Self.plain(level, isPage: isPage) }
  /// The first bit of the page's or table's address.
  var addressLow: UInt64 { isPage ? UInt64(3 + 9 * level) : 12 }
}

extension ScriptWriter {
  /// Every table, but those about what the processor lacks.
  mutating func writeClaims(_ table: ClaimTable) {
    if !processor.isModern && table == .flags || processor != .tigerlake && table == .subPageBits { return }
    switch table {
    case .rights: eachTrial { $0.rightsClaims($1) }
    case .bits: eachTrial { $0.bitClaims($1) }
    case .memoryTypes: eachTrial { writer, trial in if trial.isPage { writer.memoryTypeClaims(trial) } }
    case .priority: eachTrial { writer, trial in if !trial.isPage { writer.priorityClaims(trial) } }
    case .guestTablePages: guestTableClaims()
    case .pointers: pointerClaims()
    case .flags: flagClaims()
    case .guestFlags: guestFlagClaims()
    case .subPageBits: subPageClaims()
    }
  }

  /// Bit 6 of the EPT pointer, clear and, where it can be, set.
  private var flagStates: [UInt64] { processor.isModern ? [0, 0x40] : [0] }

  private mutating func eachTrial(_ body: (inout ScriptWriter, Trial) -> Void) {
    for trial in Trial.all {
      for flags in flagStates {
        begin(eptp: 0x101e | flags)
        reset(trial)
        body(&self, trial)
      }
    }
  }

  /// Clear memory, and entries that grant everything, down to the one on trial or the page.
  private mutating func reset(_ trial: Trial) {
    line("zero")
    for level in (1...4).reversed() {
      let isPage = level == trial.level ? trial.isPage : level == 1
      set(Trial.address(level), Trial.plain(level, isPage: isPage))
      if isPage { break }
    }
  }

  private mutating func access(_ kind: String, user: Bool = false) {
    line(
      "gpa \(hex(Trial.gpa)) \(kind) laddr=0x\(hex(Trial.gpa & 0xfff | 0x7000_0000)) lv=1 user=\(user.digit) wr=1 nx=0")
  }

  private mutating func accessAll() {
    for kind in ["r", "w", "rw", "x"] { access(kind) }
    access("x", user: true)
  }

  private mutating func rightsClaims(_ trial: Trial) {
    for bits in [0, 1, 2, 3, 4, 5, 6, 7, 0x400, 0x401, 0x404] as [UInt64] {
      set(trial.address, trial.plain & ~7 | bits)
      accessAll()
    }
  }

  private mutating func bitClaims(_ trial: Trial) {
    for bit in UInt64(3)..<64 {
      // Address bits lead elsewhere; bit 7 makes a page of a table and back, and is tried where the result stays in known memory.
      if bit >= trial.addressLow && bit < 40 || trial.isPage && bit == 7 && trial.level > 1 { continue }
      for present in [7, 0] as [UInt64] {
        reset(trial)
        set(trial.address, trial.plain & ~7 | present | 1 << bit)
        access("w")
        access("x")
      }
    }
  }

  private mutating func memoryTypeClaims(_ trial: Trial) {
    for type in UInt64(0)..<8 {
      for ignorePAT in [0, 0x40] as [UInt64] {
        for present in [7, 1, 0] as [UInt64] {
          set(trial.address, trial.plain & ~0x7f | type << 3 | ignorePAT | present)
          access("r")
        }
      }
    }
  }

  private mutating func priorityClaims(_ trial: Trial) {
    for upper in [0, 1, 2, 4, 5, 7] as [UInt64] {
      for leaf in [0x20_3037, 0x20_3032, 0x20_3030, 0x20_3017, ~7, 0x20_3031] as [UInt64] {
        reset(trial)
        set(trial.address, trial.plain & ~7 | upper)
        set(Trial.address(1), leaf)
        accessAll()
      }
    }
  }

  private mutating func guestTableClaims() {
    for trial in Trial.pages {
      for flags in flagStates {
        begin(eptp: 0x101e | flags)
        for rights in UInt64(0)..<8 {
          for raised in [0, 0x100, 0x300] as [UInt64] {
            reset(trial)
            set(trial.address, trial.plain & ~7 | rights | raised)
            let gpa = Trial.gpa | 8
            line("gpa \(hex(gpa)) r laddr=0x\(hex((gpa >> 3 & 511) << 12 | 0x120)) lv=1 walk=1 user=0")
          }
        }
      }
    }
  }

  private mutating func pointerClaims() {
    begin(eptp: 0x101e)
    for base in [0x1018, 0x101e, 0x105e, 0x109e, 0x10de] as [UInt64] {
      for bit in UInt64(0)..<64 {
        line("eptpok \(hex(base ^ 1 << bit))")
        line("invept 1 \(hex(base ^ 1 << bit))")
      }
    }
    for type in UInt64(0)..<8 {
      for length in UInt64(0)..<8 { line("eptpok \(hex(0x1000 | length << 3 | type))") }
    }
  }

  private mutating func flagClaims() {
    for trial in Trial.pages {
      for index in [0, 1, 0x1fe, 0x1ff] as [UInt64] {
        begin(Controls(log: true), eptp: 0x105e)
        for raised in UInt64(0)..<8 {
          for kind in ["r", "w", "x"] {
            reset(trial)
            set(Trial.address(4), Trial.plain(4, isPage: false) | (raised & 4) << 6)
            set(trial.address, trial.plain | (raised & 3) << 8)
            line("pml \(hex(Place.log)) \(hex(index))")
            access(kind)
          }
        }
      }
    }
  }

  /// One guest table after the other lies in a read-only page, and one entry lacks its flags.
  private mutating func guestFlagClaims() {
    for flags in flagStates {
      for readOnly in Guest.tables {
        for lacking in Guest.tables {
          for kind in ["r", "w", "x"] {
            begin(Controls(), Registers(cr3: Guest.pml4), eptp: 0x101e | flags)
            for level in (2...4).reversed() { set(UInt64(5 - level) << 12, Trial.plain(level, isPage: false)) }
            for table in Guest.tables {
              set(0x4000 + table >> 9, (table + Guest.shift) | (table == readOnly ? 0x31 : 0x37))
              let next = table == Guest.pt ? 0x2_0000 : table + 0x1000
              setGuest(table, 0, next | 7 | (table == lacking ? 0 : 0x60))
            }
            set(0x4000 + 0x20 << 3, 0x20_3037)
            line("la 120 \(kind) user=0")
          }
        }
      }
    }
  }

  private mutating func subPageClaims() {
    let root = Place.subPageRoot
    let entries = [
      root: root + 0x1001, root + 0x1000: root + 0x2001, root + 0x2000: root + 0x3001, root + 0x3000: 0x10,
    ]
    begin(Controls(spp: true), eptp: 0x101e)
    for (address, plain) in entries.sorted(by: { $0.key < $1.key }) {
      for bit in UInt64(0)..<64 {
        // Address bits lead elsewhere.
        if address < root + 0x3000 && (12..<40).contains(bit) { continue }
        line("zero")
        for level in (2...4).reversed() { set(UInt64(5 - level) << 12, Trial.plain(level, isPage: false)) }
        set(0x4000, 1 << 61 | 0x20_3035)
        for (address, plain) in entries.sorted(by: { $0.key < $1.key }) { set(address, plain) }
        set(address, plain ^ 1 << bit)
        line("gpa 120 w laddr=0x120 lv=1 user=0 wr=1 nx=0")
      }
    }
  }
}
