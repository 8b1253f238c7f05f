import Addresses
import SeededRandom

@testable import EPT

/// The guest's tables: one of each kind in a 4-KiB page of EPT, one in a 2-MiB page, one in the 1-GiB page.
extension CachingWorld {
  static let topTables: [UInt64] = [0xd000, 0x20_4000, 0x4000_4000]
  static let pointerTables: [UInt64] = [0xa000, 0x20_1000, 0x4000_1000]
  static let directories: [UInt64] = [0xb000, 0x20_2000, 0x4000_2000]
  static let pageTables: [UInt64] = [0xc000, 0x20_3000, 0x4000_3000]

  /// How many address bits an entry of the guest spans.
  func shift(_ level: Level) -> UInt64 { mode == .bits32 && level == .pde ? 22 : level.shift }

  /// The index of a linear address in a table of the guest.
  func index(_ linear: UInt64, _ level: Level) -> UInt64 {
    linear >> shift(level) & (mode == .bits32 ? 1023 : 511)
  }

  private func slot(
    _ table: UInt64, _ index: UInt64, _ level: Level, _ tables: [UInt64], _ pages: [UInt64] = []
  ) -> Slot {
    Slot(
      places: Self.places(table + index * guestEntryBytes), level: level, isGuest: true, tables: tables, pages: pages,
      index: index)
  }

  mutating func buildGuest(narrow: Bool) {
    switch mode {
    case .off: return
    case .bits32:
      buildDirectories(Self.guestRoots, narrow: narrow)
      return buildPageTables(narrow: narrow)
    case .pae: break
    case .fourLevel: buildTops(Self.guestRoots, .pml4e, Self.pointerTables, narrow: narrow)
    case .fiveLevel:
      buildTops(Self.guestRoots, .pml5e, Self.topTables, narrow: narrow)
      buildTops(Self.topTables, .pml4e, Self.pointerTables, narrow: narrow)
    }
    if mode != .pae { buildPointers(narrow: narrow) }
    for space in 0..<2 {
      for number in 0..<4 { pdptes[space][number] = random.pick(Self.directories) | (random.oneIn(8) ? 0 : 1) }
    }
    let registers = pdptes[twins.plain.guest.cr3 == Self.guestRoots[0] ? 0 : 1]
    twins.both { $0.guest.pdptes = registers }
    buildDirectories(Self.directories, narrow: narrow)
    buildPageTables(narrow: narrow)
  }

  private mutating func buildTops(_ own: [UInt64], _ level: Level, _ below: [UInt64], narrow: Bool) {
    for table in own {
      for index in UInt64(0)...1 { add(random.pick(below) | 0x67, slot(table, index, level, below), narrow: narrow) }
    }
  }

  private mutating func buildPointers(narrow: Bool) {
    for table in Self.pointerTables {
      add(random.pick(Self.directories) | 0x67, slot(table, 0, .pdpte, Self.directories), narrow: narrow)
      let isPage = random.oneIn(2)
      add(
        isPage ? 0x4000_00e7 : random.pick(Self.directories) | 0x67,
        slot(table, 1, .pdpte, Self.directories, [0x4000_0000]), narrow: narrow)
    }
  }

  private mutating func buildDirectories(_ own: [UInt64], narrow: Bool) {
    // A page of 4 MByte begins in the 4-KiB pages of EPT and goes on in one of 2 MiB, or lies in the 1-GiB page.
    let pages: [UInt64] = mode == .bits32 ? [0, 0x4000_0000, 0x4040_0000] : [0, 0x20_0000, 0x4020_0000]
    for table in own {
      for index in UInt64(0)..<3 {
        let isPage = index == 1 || random.oneIn(3)
        let flag: UInt64 = random.oneIn(4) ? 0x100 : 0
        add(
          isPage ? random.pick(pages) | 0xe7 | flag : random.pick(Self.pageTables) | 0x67,
          slot(table, index, .pde, Self.pageTables, pages), narrow: narrow)
      }
    }
  }

  private mutating func buildPageTables(narrow: Bool) {
    for table in Self.pageTables {
      for index in UInt64(0)..<4 {
        let flag: UInt64 = random.oneIn(4) ? 0x100 : 0
        add(
          random.pick([0x10_000, 0x11_000, 0x20_5000, 0x4000_5000]) | 0x67 | flag,
          slot(table, index, .pte, [], [0x10_000, 0x11_000, 0x12_000, 0x20_5000, 0x4000_5000, 0x4000_6000]),
          narrow: narrow)
      }
    }
  }
}
