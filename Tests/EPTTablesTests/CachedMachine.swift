import Addresses
import EPT
import EPTTables
import SeededRandom
import Testing

/// Table sets and an open view over one memory, and a processor whose caches keep whatever the architecture lets them keep.
///
/// The guest has page tables of its own, in pages that are edited like any other.
final class CachedMachine {
  /// What differs between machines.
  struct Kind: CustomStringConvertible {
    var twoSets = true
    var strips = true
    var logs = false
    var hasSubPages = false
    var hasExceptions = false
    /// How many tables the sets have; nil for as many as they can need.
    var tables: Int?

    var description: String {
      let parts = [
        twoSets ? "two sets" : "one set", strips ? "execution stripped" : nil, logs ? "accessed and dirty flags" : nil,
        hasSubPages ? "sub-page permissions" : nil, hasExceptions ? "#VE" : nil, tables.map { "\($0) tables" },
      ]
      return parts.compactMap { $0 }.joined(separator: ", ")
    }
  }

  static let pages: UInt64 = 3 * 512 + 77
  private static let tablesNeeded = UInt64(TableSets.tablesNeeded(pageCount: pages))
  /// Each guest page has one other frame that it may be moved to.
  private static let otherFrames = pages + 2 * tablesNeeded
  /// Sub-page permission tables, and the information area of #VE.
  private static let fields = HostPhysicalAddress((otherFrames + pages) << 12)
  private static let exceptionArea = HostPhysicalAddress(fields.rawValue + 4 << 12)
  /// The guest's tables: PML4, PDPT, PD, and a page table for the second 2 MiB.
  private static let guestTables: UInt64 = 100

  let kind: Kind
  let memory: HostMemory
  var sets: TableSets
  var openView: TableSets
  var processor: EPTMachine<FlatMemory>

  init(_ kind: Kind) throws {
    self.kind = kind
    memory = try #require(HostMemory(byteCount: Self.exceptionArea.rawValue + 0x1000))
    let unwatched: LeafBits = kind.logs ? LeafBits.unwatched.union(.dirty) : .unwatched
    let first = HostPhysicalAddress(Self.pages << 12)
    sets = try TableSets(
      memory: memory.memory, pageCount: Self.pages,
      pool: FramePool(first: first, count: kind.tables ?? Int(Self.tablesNeeded)), unwatched: unwatched,
      twoSets: kind.twoSets, stripsExecution: kind.strips)
    let second = HostPhysicalAddress(first.rawValue + Self.tablesNeeded << 12)
    openView = try TableSets(
      memory: memory.memory, pageCount: Self.pages, pool: FramePool(first: second, count: Int(Self.tablesNeeded)),
      unwatched: unwatched.subtracting(.execute), number: 2, twoSets: false, stripsExecution: false)
    var controls = Controls.ept
    controls.set(.enableVPID, to: true)
    controls.set(.subPageWritePermissions, to: kind.hasSubPages)
    controls.set(.eptViolationVE, to: kind.hasExceptions)
    var policies = Policies()
    policies.cache = .maximal
    processor = EPTMachine(
      memory: memory.memory, controls: controls, eptp: sets.pointers.normal, policies: policies)
    processor.fields.vpid = 1
    processor.fields.spptp = Self.fields
    processor.fields.exceptionInformation = Self.exceptionArea
    buildFields()
    buildGuestTables()
  }

  /// Sub-page permissions that allow everything, wherever an EPT entry asks for them.
  private func buildFields() {
    for level in UInt64(0)..<3 {
      let table = HostPhysicalAddress(Self.fields.rawValue + level << 12)
      memory.memory.fill(table, with: table.rawValue + 0x1000 | 1)
    }
    memory.memory.fill(HostPhysicalAddress(Self.fields.rawValue + 3 << 12), with: 0x5555_5555_5555_5555)
  }

  /// Linear addresses are guest-physical ones, in pages of 2 MiB, and of 4 KiB where an EPT leaf may be larger.
  private func buildGuestTables() {
    let root = Self.guestTables << 12
    func store(_ entry: UInt64, _ table: UInt64, _ index: UInt64) {
      memory.memory.store(entry, at: HostPhysicalAddress(root + table << 12 + index * 8))
    }
    store(root + 0x1000 | 0x67, 0, 0)
    store(root + 0x2000 | 0x67, 1, 0)
    for region in UInt64(0)..<4 { store(region == 1 ? root + 0x3000 | 0x67 : region << 21 | 0xe7, 2, region) }
    for page in UInt64(0)..<512 { store((512 + page) << 12 | 0x67, 3, page) }
    processor.guest.cr3 = root
  }

  /// The EPTP of a hierarchy.
  func pointer(_ number: UInt8) -> EPTPointer {
    number == 2 ? openView.pointers.normal : number == 1 ? sets.pointers.integrity : sets.pointers.normal
  }

  /// The numbers of all hierarchies.
  var numbers: [UInt8] { kind.twoSets ? [0, 1, 2] : [0, 2] }

  /// Moves a page to its other frame or back, with what it holds, or unmaps it, or maps it at home.
  func remap(_ page: GuestPageNumber, moving: Bool, _ debt: inout InvalidationDebt) throws(TableError) {
    let home = HostPhysicalAddress(page.rawValue << 12)
    guard let frame = sets.frame(of: page) else {
      try sets.map(page, to: home, owing: &debt)
      return try openView.map(page, to: home, owing: &debt)
    }
    guard moving else {
      try sets.unmap(page, owing: &debt)
      return try openView.unmap(page, owing: &debt)
    }
    let target = frame == home ? HostPhysicalAddress((Self.otherFrames + page.rawValue) << 12) : home
    for word in 0..<512 { memory.memory.store(memory.memory.load(frame.qword(word)), at: target.qword(word)) }
    try sets.map(page, to: target, owing: &debt)
    try openView.map(page, to: target, owing: &debt)
  }

  /// An access under a hierarchy.
  struct Access {
    var hierarchy: UInt8
    var target: StaleTranslation.Target
  }

  /// A stale answer to an access; nil if there is none, or if it is one that needs no INVEPT.
  ///
  /// Cached rights that are too few show as a violation, which invalidates them by itself: the retry succeeds.
  func harm(of access: Access) -> StaleTranslation? {
    processor.eptp = pointer(access.hierarchy)
    memory.memory.store(0, at: Self.exceptionArea)
    var nobody = NoObserver()
    guard let stale = processor.examined(access.target, &nobody).stale else { return nil }
    switch (stale.answered, stale.fresh) {
    case (.violation, _), (.virtualizationException, .translated), (.virtualizationException, .virtualizationException):
      return nil
    default: return stale
    }
  }
}
