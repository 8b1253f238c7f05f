import Addresses
import SeededRandom

@testable import EPT

/// Two hierarchies of EPT, of four or five levels, over one guest of one paging mode with two address spaces: small, shared and self-similar, so
/// that random changes hit what is used. Guest pages, and the pages of the guest's tables, lie in EPT pages of 4 KiB, 2 MiB and 1 GiB.
///
/// | guest-physical | host-physical |
/// |---|---|
/// | pages 0 to 31 | 4-KiB pages, each in one of two frames |
/// | 200000 to 5fffff | 2-MiB pages |
/// | 40000000 to 7fffffff | a 1-GiB page |
struct CachingWorld {
  /// A paging-structure entry that changes.
  struct Slot: Hashable {
    /// Where the entry lies; a guest's entry may lie in several frames.
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
  static let linears: [PagingMode: [UInt64]] = [
    .off: [
      0x0, 0x1123, 0x8000, 0xa008, 0xb010, 0x10_123, 0x11_ffc, 0x20_1000, 0x20_5678, 0x40_1000, 0x4000_3000,
      0x7fff_f000,
    ],
    .bits32: [
      0x0, 0x1123, 0x2ff8, 0x3000, 0x20_0000, 0x3f_f000, 0x40_0000, 0x40_1000, 0x60_3456, 0x7f_f000, 0x80_0000,
      0x80_2000,
      0xa0_1000,
    ],
    .pae: common + [0x7fff_f000, 0x8000_1000, 0x8020_3000, 0xc000_3000, 0xc040_1000],
    .fourLevel: common + [0x7fff_f000, 0x80_0000_1000, 0x80_0020_3000, 0x80_4000_5000],
    .fiveLevel: common + [
      0x7fff_f000, 0x80_0020_3000, 0x1_0000_0000_1000, 0x1_0000_0020_3000, 0x1_0080_4000_5000,
    ],
  ]
  private static let common: [UInt64] = [
    0x0, 0x1123, 0x2ff8, 0x3000, 0x20_0000, 0x20_3456, 0x3f_f000, 0x40_0000, 0x40_1000, 0x4000_0000, 0x4020_3000,
  ]

  var twins: Twins
  var random: SplitMix64
  /// How the guest pages.
  let mode: PagingMode
  let linears: [UInt64]
  /// EPT has five levels.
  let hasFiveLevels: Bool
  private(set) var slots: [Slot] = []
  /// Which hierarchy keeps accessed and dirty flags.
  var flags = [false, false]
  /// The linear address of the last access: many are accessed again in another way.
  var lastLinear: UInt64 = 0
  /// The registers of the virtual processors that are not running, by VPID.
  var guests: [UInt16: GuestState] = [:]
  /// The PDPTE registers of each address space, while paging is PAE.
  var pdptes = [PDPTERegisters(), PDPTERegisters()]
  /// Words of the sub-page permission tables.
  private(set) var subPageSlots: [UInt64] = []

  /// - Parameter narrow: rights are withheld at many places, so that they can be added.
  init(seed: UInt64, mode: PagingMode, cache: Policies.Cache, narrow: Bool) {
    random = SplitMix64(seed: seed)
    self.mode = mode
    linears = Self.linears[mode] ?? []
    hasFiveLevels = random.oneIn(3)
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
    EPTPointer(Self.roots[hierarchy] | (hasFiveLevels ? 0x26 : 0x1e) | (flags[hierarchy] ? 0x40 : 0))
  }

  private mutating func buildFields() {
    let (vpid, guestRoot) = (UInt16(random.pick([1, 2])), random.pick(Self.guestRoots))
    let pointer = pointer(0)
    let processContexts = random.oneIn(2) && !mode.is32Bit
    let (mode, hasFiveLevels) = (mode, hasFiveLevels)
    twins.both {
      $0.capabilities.set(.walkLength5, to: hasFiveLevels)
      $0.eptp = pointer
      $0.guest.mode = mode
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

  mutating func add(_ value: UInt64, _ slot: Slot, narrow: Bool) {
    slots.append(slot)
    var value = value
    if narrow && random.oneIn(6) {
      value &= slot.isGuest ? ~random.pick([1, 2, 2, 0x20, 0x40]) : ~random.pick([2, 2, 4, 6, 0x402, 0x404, 0x407])
    }
    for place in slot.places { store(value, place, of: slot) }
  }

  /// How many bytes a guest's entry has.
  var guestEntryBytes: UInt64 { mode == .bits32 ? 4 : 8 }

  /// An entry as the processor without caches has it.
  func load(_ place: UInt64, of slot: Slot) -> UInt64 {
    guard slot.isGuest, mode == .bits32 else { return twins.load(place) }
    return twins.load(place & ~7) >> (8 * (place & 4)) & 0xffff_ffff
  }

  /// Stores an entry in both memories.
  mutating func store(_ value: UInt64, _ place: UInt64, of slot: Slot) {
    guard slot.isGuest, mode == .bits32 else { return twins.store(value, place) }
    let shift = 8 * (place & 4)
    twins.store(twins.load(place & ~7) & ~(0xffff_ffff << shift) | value << shift, place & ~7)
  }

  private mutating func buildEPT(narrow: Bool) {
    let all: UInt64 = 0x407
    func slot(_ table: UInt64, _ index: UInt64, _ level: Level, _ tables: [UInt64], _ pages: [UInt64] = []) -> Slot {
      Slot(places: [table + index * 8], level: level, isGuest: false, tables: tables, pages: pages, index: index)
    }
    var tops = Self.roots
    if hasFiveLevels {
      tops = [0x3_0000, 0x3_1000]
      for root in Self.roots {
        add((root == 0x1000 ? tops[0] : random.pick(tops)) | all, slot(root, 0, .pml5e, tops), narrow: narrow)
      }
    }
    for root in tops {
      add(
        (root == tops[0] ? 0x3000 : random.pick([0x3000, 0x4000])) | all, slot(root, 0, .pml4e, [0x3000, 0x4000]),
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
  static func places(_ gpa: UInt64) -> [UInt64] {
    if gpa < 0x20_0000 { return [gpa + frames[0], gpa + frames[1], gpa] }
    if gpa < 0x4000_0000 { return [1, 2].map { large + $0 << 21 + gpa & 0x1f_ffff } + [gpa] }
    return [huge + gpa & 0x3fff_ffff, gpa]
  }
}
