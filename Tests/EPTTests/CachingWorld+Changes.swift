import Addresses
import SeededRandom

@testable import EPT

/// Changes of tables, and what they demand of software. Stated anew from the manual, with the slow model's rules for what is present and what is
/// misconfigured; nothing here is shared with the library.
extension CachingWorld {
  /// A change that has been made.
  struct Change {
    var slot: Slot
    /// What its places held, and what all of them hold now.
    var old: [UInt64]
    var new: UInt64
  }

  /// Changes an entry at random; nil if that leaves it as it was.
  mutating func change(onlyAdding: Bool) -> Change? {
    let near = slots.filter { !Set($0.places).isDisjoint(with: twins.used) }
    let slot = near.isEmpty || random.oneIn(3) ? random.pick(slots) : random.pick(near)
    let old = slot.places.map { load($0, of: slot) }
    let value = random.pick(old)
    let new: UInt64
    if onlyAdding {
      // Its frames differ in accessed and dirty flags, which are not taken away either.
      new =
        slot.isGuest ? old.reduce(0, |) | random.pick([1, 3]) : value | random.pick([1, 3, 5, 7, 0x407, 0x403])
    } else {
      new = slot.isGuest ? changedGuest(value, slot) : changed(value, slot)
    }
    guard old.contains(where: { $0 != new }) else { return nil }
    for place in slot.places { store(new, place, of: slot) }
    return Change(slot: slot, old: old, new: new)
  }

  private mutating func changed(_ value: UInt64, _ slot: Slot) -> UInt64 {
    let isPage = slot.level == .pte || (slot.level < .pml4e && value & 0x80 != 0)
    switch random.next() % 12 {
    case 0...3: return value ^ random.pick([1, 2, 2, 2, 4, 6, 0x400, 0x402])
    case 4, 5: return value | 0x407
    case 6: return random.pick([0, value & ~0x407])
    case 7: return value & ~random.pick([0x100, 0x200, 0x300])
    case 8: return isPage ? value ^ random.pick([0x08, 0x30, 0x40]) : value ^ (random.oneIn(3) ? 0x8 : 0x800)
    case 9: return value ^ 1 << random.pick([57, 58, 60, 61, 61, 63, 52, 46])
    default:
      guard !slot.tables.isEmpty, slot.pages.isEmpty || random.oneIn(2) else {
        return value & ~(EPTEntry.addressMask | 0xf8) | random.pick(slot.pages) | (slot.level == .pte ? 0x30 : 0xb0)
      }
      return value & ~(EPTEntry.addressMask | 0xf8) | random.pick(slot.tables)
    }
  }

  private mutating func changedGuest(_ value: UInt64, _ slot: Slot) -> UInt64 {
    switch random.next() % 10 {
    case 0...3: return value ^ random.pick(mode == .bits32 ? [2, 2, 4, 6, 1] : [2, 2, 4, 6, 1 << 63, 1])
    case 4, 5: return (value | 7) & ~(1 << 63)
    case 6: return value & ~random.pick([0x20, 0x40, 0x60])
    case 7:
      let isPage = slot.level == .pte || (slot.level < .pml4e && value & 0x80 != 0)
      return isPage ? value ^ 0x100 : value
    default:
      guard !slot.tables.isEmpty, slot.pages.isEmpty || random.oneIn(2) else {
        return value & ~(EPTEntry.addressMask | 0x80) | random.pick(slot.pages) | (slot.level == .pte ? 0 : 0x80)
      }
      return value & ~(EPTEntry.addressMask | 0x180) | random.pick(slot.tables)
    }
  }

  /// Changes a word of the sub-page tables; whether that takes anything away.
  mutating func changeSubPages(onlyAdding: Bool) -> Bool {
    // The three tables above the vectors are changed as often as all vectors.
    let address = random.oneIn(2) ? random.pick(Array(subPageSlots.prefix(3))) : random.pick(subPageSlots)
    let old = twins.load(address)
    let isVector = address >= Self.subPages + 0x3000
    let bits = random.next() & 0x5555_5555_5555_5555
    let new = isVector ? onlyAdding ? old | bits : bits : onlyAdding || random.oneIn(2) ? old | 1 : old & ~1
    twins.store(new, address)
    return old & ~new != 0
  }

  private func model() -> SlowModel {
    var model = SlowModel()
    model.mbec = twins.plain.controls.has(.modeBasedExecute)
    return model
  }

  /// Whether software must execute INVEPT after the change of an entry of EPT (SDM vol. 3C, "Guidelines for Use of the INVEPT Instruction").
  func owesINVEPT(_ old: UInt64, _ new: UInt64, _ level: Level) -> Bool {
    let model = model()
    let number = Int(level.rawValue)
    func isUsable(_ entry: UInt64) -> Bool { model.isPresent(entry) && !model.isMisconfigured(entry, number) }
    if !isUsable(old) { return false }
    if !isUsable(new) { return true }
    for bit in model.mbec ? [0, 1, 2, 8, 10] : [0, 1, 2, 8] where model.bit(old, bit) && !model.bit(new, bit) {
      return true
    }
    if model.field(old, 51, 12) != model.field(new, 51, 12) { return true }
    if [2, 3].contains(number), model.bit(old, 7) != model.bit(new, 7) { return true }
    guard model.mapsPage(old, number) else { return false }
    if model.field(old, 6, 3) != model.field(new, 6, 3) { return true }
    for bit in [57, 63] where !model.bit(old, bit) && model.bit(new, bit) { return true }
    for bit in [9, 58, 60, 61] where model.bit(old, bit) && !model.bit(new, bit) { return true }
    return false
  }

  /// Whether the guest must invalidate after the change of one of its entries (SDM vol. 3A, "Recommended Invalidation", "Optional Invalidation").
  func owesGuest(_ old: UInt64, _ new: UInt64, _ level: Level) -> Bool {
    let model = model()
    if !model.bit(old, 0) { return false }
    if !model.bit(new, 0) { return true }
    for bit in [1, 2, 5, 6, 8] where model.bit(old, bit) && !model.bit(new, bit) { return true }
    // Under SMEP and SMAP a user-mode page grants supervisor mode less.
    if !model.bit(old, 2) && model.bit(new, 2) { return true }
    if model.bit(new, 63) && !model.bit(old, 63) { return true }
    return model.bit(old, 7) != model.bit(new, 7) || model.field(old, 51, 12) != model.field(new, 51, 12)
  }

  /// Which hierarchies lead to a word of EPT.
  func hierarchies(leadingTo address: UInt64) -> [Int] {
    (0..<2).filter { hierarchy in
      var tables: Set<UInt64> = [Self.roots[hierarchy]]
      // Entries refer downwards, so one pass from the top finds all tables.
      for slot in slots where !slot.isGuest && tables.contains(slot.places[0] & ~0xfff) {
        let entry = twins.load(slot.places[0])
        if slot.level > .pte, entry & 0x407 != 0, entry & 0x80 == 0 { tables.insert(entry & EPTEntry.addressMask) }
      }
      return tables.contains(address & ~0xfff)
    }
  }
}
