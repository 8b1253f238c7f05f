import Addresses
import EPT

/// The entries that a walk in both dimensions read, in order: for each guest entry the nested walk of its address, then the
/// entry; at last the nested walk of the page. At most (4 + 1)(4 + 1) - 1 = 24.
struct NestedPath: WalkObserver {
  /// The linear page, 36 bits: what the combined paging-structure caches go by.
  let linearPage: UInt64
  /// Guest entries read.
  private(set) var guestEntries = 0
  /// Of them, those that point to tables.
  private(set) var pointers = 0
  /// The level of the guest's leaf.
  private(set) var leaf = Level.pte
  /// Whether the sub-page permission tables were read too; what that costs is priced by the look-up.
  private(set) var asksSubPages = false
  /// Guest entries whose accessed or dirty flag the walk has set.
  private(set) var flagUpdates = 0
  /// What the guest's entries as they were read deny: stores where one is read-only or the leaf's dirty flag is clear, fetches
  /// where one is execute-disable.
  private(set) var denied: CachedRights.Denied = []

  private let linear: UInt64
  private var entries: InlineArray<24, UInt64> = .init(repeating: 0)
  private var count = 0
  /// Where each guest entry stands among the entries.
  private var places: InlineArray<4, Int> = .init(repeating: 0)
  /// The guest page that each nested walk is for.
  private var pages: InlineArray<5, UInt64> = .init(repeating: 0)

  init(linear: GuestLinearAddress, root: UInt64) {
    self.linear = linear.rawValue
    linearPage = linear.rawValue >> 12 & 0xf_ffff_ffff
    pages[0] = root
  }

  subscript(entry: Int) -> UInt64 { entries[entry] }

  /// The guest page that the nested walk number `step` is for.
  func page(_ step: Int) -> UInt64 { pages[step] }

  /// Which entries the nested walk number `step` read; empty where the walk ended before it.
  func nestedWalk(_ step: Int) -> Range<Int> {
    let start = step == 0 ? 0 : places[step - 1] + 1
    return start..<(step < guestEntries ? places[step] : max(start, count))
  }

  mutating func reference(_ kind: ReferenceKind, level: UInt8, address: HostPhysicalAddress, value: UInt64) {
    guard kind != .subPage else {
      asksSubPages = true
      return
    }
    guard count < 24 else { return }
    entries[count] = address.rawValue
    count += 1
    guard kind == .guest, guestEntries < 4, let level = Level(rawValue: level) else { return }
    places[guestEntries] = count - 1
    guestEntries += 1
    if value & GuestEntry.writableBit == 0 { denied.insert(.stores) }
    if value >> 63 != 0 { denied.insert(.fetches) }
    if GuestEntry(value).mapsPage(at: level) {
      leaf = level
      if value & GuestEntry.dirtyBit == 0 { denied.insert(.stores) }
      let offset = level.offsetMask
      pages[guestEntries] = (value & EPTEntry.addressMask & ~offset | linear & offset) >> 12
    } else {
      pointers += 1
      pages[guestEntries] = (value & EPTEntry.addressMask) >> 12
    }
  }

  mutating func write(_ kind: WriteKind, address: HostPhysicalAddress, value: UInt64) {
    if kind == .guestFlags { flagUpdates += 1 }
  }
}
