import Addresses

/// Guest page tables in guest memory: 4 levels, built page by page (SDM vol. 3A, "4-Level Paging and 5-Level Paging").
struct GuestPageTables {
  /// Rights of a mapping.
  struct Rights: OptionSet {
    let rawValue: UInt64
    static let write = Self(rawValue: 1 << 1)
    static let user = Self(rawValue: 1 << 2)
    static let noExecute = Self(rawValue: 1 << 63)
  }

  private let load: (GuestPhysicalAddress) -> UInt64
  private let store: (UInt64, GuestPhysicalAddress) -> Void
  private var free: [GuestPageNumber]
  /// The top table; the value of CR3.
  let root: GuestPhysicalAddress

  /// Accessed, and dirty on leaves: tables whose flags the processor need not set.
  private let flags: UInt64

  /// Empty page tables on the pages given, of which the first becomes the top table.
  init(
    on pages: PageRange, flagsSet: Bool, load: @escaping (GuestPhysicalAddress) -> UInt64,
    store: @escaping (UInt64, GuestPhysicalAddress) -> Void
  ) {
    self.load = load
    self.store = store
    free = (pages.first.rawValue...pages.last.rawValue).dropFirst().reversed().map { GuestPageNumber($0) }
    root = pages.first.address
    flags = flagsSet ? 0x60 : 0
  }

  /// Maps a 4 KiB page.
  mutating func map(_ linear: UInt64, to page: GuestPageNumber, _ rights: Rights) {
    store(page.address.rawValue | rights.rawValue | flags | 1, entry(for: linear, level: 1))
  }

  /// Maps a 2 MiB page.
  mutating func mapLarge(_ linear: UInt64, to address: GuestPhysicalAddress, _ rights: Rights) {
    store(address.rawValue | rights.rawValue | flags | 0x81, entry(for: linear, level: 2))
  }

  /// Where the entry for a linear address lies at a level; tables on the way are made.
  mutating func entry(for linear: UInt64, level: Int) -> GuestPhysicalAddress {
    var table = root
    for level in stride(from: 4, to: level, by: -1) {
      let address = Self.entry(linear, level: level, of: table)
      if load(address) & 1 == 0, let page = free.popLast() {
        // Every right at the upper levels; the leaf decides.
        store(page.address.rawValue | 0x7 | flags & 0x20, address)
      }
      table = GuestPhysicalAddress(load(address) & 0x000f_ffff_ffff_f000)
    }
    return Self.entry(linear, level: level, of: table)
  }

  private static func entry(_ linear: UInt64, level: Int, of table: GuestPhysicalAddress) -> GuestPhysicalAddress {
    GuestPhysicalAddress(table.rawValue + (linear >> UInt64(12 + 9 * (level - 1)) & 511) * 8)
  }
}
