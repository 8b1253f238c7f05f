import Addresses
import SeededRandom

@testable import EPT

/// Two hierarchies of EPT over one guest with two address spaces: small, shared and self-similar, so that random changes hit what is used. Guest
/// pages, and the pages of the guest's tables, lie in EPT pages of 4 KiB, 2 MiB and 1 GiB.
///
/// | guest-physical | host-physical |
/// |---|---|
/// | pages 0 to 31 | 4-KiB pages, each in one of two frames |
/// | 200000 to 5fffff | 2-MiB pages |
/// | 40000000 to 7fffffff | a 1-GiB page |
struct CachingWorld {
  /// A paging-structure entry that changes.
  struct Slot: Hashable {
    /// Where the word lies; a guest's entry may lie in several frames.
    var places: [UInt64]
    var level: Level
    var isGuest: Bool
    /// Entries of this level may refer to these tables, and map these pages.
    var tables: [UInt64]
    var pages: [UInt64]
    /// The index of the entry in its table.
    var index: UInt64
  }

  static let roots: [UInt64] = [0x1000, 0x2000]
  static let guestRoots: [UInt64] = [0x8000, 0x9000]
  static let frames: [UInt64] = [0x10_0000, 0x20_0000]
  /// Tables of sub-page permissions, the information area of #VE, the log, the list of EPT pointers.
  static let subPages: UInt64 = 0x40000
  static let exceptionArea: UInt64 = 0x70000
  static let log: UInt64 = 0x60000
  static let list: UInt64 = 0x50000
  /// Where EPT puts guest-physical 200000 and 40000000.
  static let large: UInt64 = 0x80_0000
  static let huge: UInt64 = 0x1_0000_0000

  /// Linear addresses that accesses go to: in every kind of guest page, through both slots of every upper table.
  static let linears: [UInt64] = [
    0x0, 0x1123, 0x2ff8, 0x3000, 0x20_0000, 0x20_3456, 0x3f_f000, 0x40_0000, 0x40_1000, 0x4000_0000, 0x4020_3000,
    0x7fff_f000, 0x80_0000_1000, 0x80_0020_3000, 0x80_4000_5000,
  ]

  var twins: Twins
  var random: SplitMix64
  private(set) var slots: [Slot] = []
  /// Which hierarchy keeps accessed and dirty flags.
  var flags = [false, false]
  /// The linear address of the last access: many are accessed again in another way.
  var lastLinear: UInt64 = 0
  /// The registers of the virtual processors that are not running, by VPID.
  var guests: [UInt16: GuestState] = [:]
  /// Words of the sub-page permission tables.
  private(set) var subPageSlots: [UInt64] = []

  /// - Parameter narrow: rights are withheld at many places, so that they can be added.
  init(seed: UInt64, cache: Policies.Cache, narrow: Bool) {
    random = SplitMix64(seed: seed)
    var controls = Controls.ept
    controls.set(.enableVMFunctions, to: true)
    controls.vmFunctions = 1
    controls.set(.enableVPID, to: !random.oneIn(3))
    controls.set(.modeBasedExecute, to: random.oneIn(3))
    controls.set(.subPageWritePermissions, to: random.oneIn(3))
    controls.set(.eptViolationVE, to: random.oneIn(4))
    controls.set(.enablePML, to: random.oneIn(4))
    twins = Twins(cache: cache, controls)
    flags = [random.oneIn(3), random.oneIn(2)]
    buildFields()
    buildEPT(narrow: narrow)
    buildGuest(narrow: narrow)
  }

  func pointer(_ hierarchy: Int) -> EPTPointer {
    EPTPointer(Self.roots[hierarchy] | 0x1e | (flags[hierarchy] ? 0x40 : 0))
  }

  private mutating func buildFields() {
    let (vpid, guestRoot) = (UInt16(random.pick([1, 2])), random.pick(Self.guestRoots))
    let pointer = pointer(0)
    let processContexts = random.oneIn(2)
    twins.both {
      $0.eptp = pointer
      $0.fields.vpid = $0.controls.has(.enableVPID) ? vpid : 0
      $0.fields.eptpList = HostPhysicalAddress(Self.list)
      $0.fields.spptp = HostPhysicalAddress(Self.subPages)
      $0.fields.pmlAddress = HostPhysicalAddress(Self.log)
      $0.fields.exceptionInformation = HostPhysicalAddress(Self.exceptionArea)
      $0.guest.processContextIDs = processContexts
      $0.guest.cr3 = guestRoot
    }
    for hierarchy in 0..<2 { twins.store(self.pointer(hierarchy).rawValue, Self.list + 8 * UInt64(hierarchy)) }
    for level in UInt64(0)..<3 {
      let table = Self.subPages + level << 12
      subPageSlots.append(table)
      twins.store(table + 0x1001, table)
    }
    for page in UInt64(0)..<32 {
      let address = Self.subPages + 0x3000 + page * 8
      subPageSlots.append(address)
      twins.store(random.next() & 0x5555_5555_5555_5555, address)
    }
  }

  private mutating func add(_ value: UInt64, _ slot: Slot, narrow: Bool) {
    slots.append(slot)
    var value = value
    if narrow && random.oneIn(6) {
      value &= slot.isGuest ? ~random.pick([1, 2, 2, 0x20, 0x40]) : ~random.pick([2, 2, 4, 6, 0x402, 0x404, 0x407])
    }
    for place in slot.places { twins.store(value, place) }
  }

  private mutating func buildEPT(narrow: Bool) {
    let all: UInt64 = 0x407
    func slot(_ table: UInt64, _ index: UInt64, _ level: Level, _ tables: [UInt64], _ pages: [UInt64] = []) -> Slot {
      Slot(places: [table + index * 8], level: level, isGuest: false, tables: tables, pages: pages, index: index)
    }
    for root in Self.roots {
      add(
        (root == 0x1000 ? 0x3000 : random.pick([0x3000, 0x4000])) | all, slot(root, 0, .pml4e, [0x3000, 0x4000]),
        narrow: narrow)
    }
    for table in [0x3000, 0x4000] as [UInt64] {
      let below: UInt64 = table == 0x3000 ? 0x5000 : random.pick([0x5000, 0x6000])
      add(below | all, slot(table, 0, .pdpte, [0x5000, 0x6000]), narrow: narrow)
      add(Self.huge | 0xb0 | all, slot(table, 1, .pdpte, [0x5000], [Self.huge]), narrow: narrow)
    }
    for table in [0x5000, 0x6000] as [UInt64] {
      let below: UInt64 = table == 0x5000 ? 0x7000 : random.pick([0x7000, 0xe000])
      add(below | all, slot(table, 0, .pde, [0x7000, 0xe000]), narrow: narrow)
      for index in UInt64(1)...2 {
        add(
          (Self.large + index << 21) | 0xb0 | all,
          slot(table, index, .pde, [0x7000, 0xe000], [1, 2].map { Self.large + $0 << 21 }), narrow: narrow)
      }
    }
    for table in [0x7000, 0xe000] as [UInt64] {
      for page in UInt64(0)..<32 {
        let frames = Self.frames.map { $0 + page << 12 }
        let bits = all | 0x30 | (random.oneIn(4) ? 1 << 61 : 0)
        add(frames[0] | bits, slot(table, page, .pte, [], frames), narrow: narrow)
      }
    }
  }

  /// Where a guest-physical address may lie in host-physical memory; with EPT off at its own.
  private static func places(_ gpa: UInt64) -> [UInt64] {
    if gpa < 0x20_0000 { return [gpa + frames[0], gpa + frames[1], gpa] }
    if gpa < 0x4000_0000 { return [1, 2].map { large + $0 << 21 + gpa & 0x1f_ffff } + [gpa] }
    return [huge + gpa & 0x3fff_ffff, gpa]
  }

  private mutating func buildGuest(narrow: Bool) {
    func slot(_ table: UInt64, _ index: UInt64, _ level: Level, _ tables: [UInt64], _ pages: [UInt64] = []) -> Slot {
      Slot(
        places: Self.places(table + index * 8), level: level, isGuest: true, tables: tables, pages: pages, index: index)
    }
    // One table of each kind in a 4-KiB page of EPT, one in a 2-MiB page, one in the 1-GiB page.
    let pointers: [UInt64] = [0xa000, 0x20_1000, 0x4000_1000]
    let directories: [UInt64] = [0xb000, 0x20_2000, 0x4000_2000]
    let tables: [UInt64] = [0xc000, 0x20_3000, 0x4000_3000]
    for root in Self.guestRoots {
      for index in UInt64(0)...1 {
        add(random.pick(pointers) | 0x67, slot(root, index, .pml4e, pointers), narrow: narrow)
      }
    }
    for table in pointers {
      add(random.pick(directories) | 0x67, slot(table, 0, .pdpte, directories), narrow: narrow)
      let isPage = random.oneIn(2)
      add(
        isPage ? 0x4000_00e7 : random.pick(directories) | 0x67, slot(table, 1, .pdpte, directories, [0x4000_0000]),
        narrow: narrow)
    }
    for table in directories {
      for index in UInt64(0)..<3 {
        let isPage = index == 1 || random.oneIn(3)
        let flag: UInt64 = random.oneIn(4) ? 0x100 : 0
        add(
          isPage ? random.pick([0, 0x20_0000]) | 0xe7 | flag : random.pick(tables) | 0x67,
          slot(table, index, .pde, tables, [0, 0x20_0000, 0x4020_0000]), narrow: narrow)
      }
    }
    for table in tables {
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
